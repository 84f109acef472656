/**
 * The process of one side: loads the engine of one checkout, says that it is ready, and answers prompts one at a time. Uses only
 * what earlier versions of the library have too.
 */
import { pathToFileURL } from 'node:url';
import type { SideAnswer, SideReady, SideRun, SideSetup } from './messages.js';

type SideEngine = {
  readonly model: { readonly shape: { readonly vocabulary: number } };
  complete(request: object): Promise<{ readonly ttftMs: number; readonly tokenIds: readonly number[] }>;
  close(): Promise<void>;
};
type Library = { readonly Engine: { load(options: SideSetup['options']): Promise<SideEngine> } };

async function answer(engine: SideEngine, { promptIds, partition }: SideRun): Promise<SideAnswer> {
  const { ttftMs, tokenIds } = await engine.complete({ promptIds, maxTokens: 1, partition });
  return { ttftMs, firstToken: tokenIds[0] ?? -1 };
}

function fail(error: unknown): void {
  console.error(error);
  process.exit(1);
}

const { entry, options } = JSON.parse(process.argv[2] ?? '') as SideSetup;
const { Engine } = (await import(pathToFileURL(entry).href)) as Library;
const engine = await Engine.load(options);
process.on('message', (run) => {
  void answer(engine, run as SideRun).then((result) => process.send?.(result), fail);
});
process.on('disconnect', () => void engine.close().then(() => process.exit(0), fail));
process.send?.({ vocabulary: engine.model.shape.vocabulary } satisfies SideReady);
