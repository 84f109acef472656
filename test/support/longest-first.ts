/**
 * The order of test files: the longest first, so that all places end at about the same time. Places are few and files unequal: what
 * takes half a minute and comes last is waited for alone.
 */
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files by how long they take, as measured; the order of all others does not matter. */
const LONGEST: readonly string[] = [
  'test/install.test.ts',
  'test/recovery.test.ts',
  'test/page.test.ts',
  'test/faults.test.ts',
  'test/wide-decode.test.ts',
  'test/prefix-disk.test.ts',
  'test/equivalence.test.ts',
  'test/layer-specs.test.ts',
  'test/window-cache.test.ts',
  'test/families.test.ts',
  'test/hostile-clients.test.ts',
  'test/joining.test.ts',
  'test/many-requests.test.ts',
  'test/tools.test.ts',
  'test/dtype-sharing.test.ts',
  'test/dtype-equivalence.test.ts',
  'test/damaged-cache.test.ts',
  'test/cluster.test.ts',
];

/** Projects one after another: a process goes on from file to file of one project only. */
const PROJECTS: readonly string[] = ['integration', 'own process', 'unit'];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId, project }: TestSpecification): number[] => {
      const place = LONGEST.indexOf(relative(project.vitest.config.root, moduleId));
      return [PROJECTS.indexOf(project.name), place < 0 ? LONGEST.length : place];
    };
    const places = new Map(files.map((file) => [file, placeOf(file)]));
    const compare = (a: TestSpecification, b: TestSpecification): number => {
      const [[projectA = 0, placeA = 0] = [], [projectB = 0, placeB = 0] = []] = [
        places.get(a),
        places.get(b),
      ];
      return projectA - projectB || placeA - placeB;
    };
    return (await super.sort(files)).sort(compare);
  }
}
