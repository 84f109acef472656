/**
 * The engine under the name that clients know its model by, and the names that a strict server answers to.
 */
import { KvrError } from '../../core/errors.js';
import { modelName } from '../../model/model-name.js';
import type { ServedEngine, ServerSettings } from '../requests/settings.js';

/** What Ollama's clients put behind a name without a tag. */
const LATEST = ':latest';

/**
 * @param aliases what the model is called instead, the first one where it is shown
 * @returns all names it answers to, that one first; never a path, since where a model lies is nobody's business
 */
export async function servedNames(
  { model }: ServedEngine,
  aliases: readonly string[],
): Promise<readonly [string, ...string[]]> {
  const own = await modelName(model.name);
  const [first = own, ...others] = new Set([...aliases, own]);
  return [first, ...others];
}

export function namedEngine(engine: ServedEngine, name: string): ServedEngine {
  return {
    model: { ...engine.model, name },
    settings: engine.settings,
    preparation: engine.preparation,
    // They change while it runs.
    get workers() {
      return engine.workers;
    },
    get members() {
      return engine.members;
    },
    get invitation() {
      return engine.invitation;
    },
    get refusals() {
      return engine.refusals;
    },
    get costs() {
      return engine.costs;
    },
    generate: (request) => engine.generate(request),
    embed: (request) => engine.embed(request),
  };
}

/** @param names that the model answers to. @throws NOT_FOUND for any other */
export function requireModel(asked: string | undefined, names: readonly string[]): void {
  const name = asked?.endsWith(LATEST) ? asked.slice(0, -LATEST.length) : asked;
  if (name === undefined || asked === undefined || names.includes(name) || names.includes(asked)) return;
  const message = `there is no model "${asked.slice(0, 60)}" here; ask for "${names[0]}"`;
  throw new KvrError('NOT_FOUND', message, { param: 'model', reason: 'model_not_found' });
}

/** The same where the server is strict about names; else it answers to any. @throws NOT_FOUND */
export function requireServed(
  asked: string | undefined,
  engine: Pick<ServedEngine, 'model'>,
  {
    isStrictModel,
    aliases,
  }: Pick<ServerSettings, 'isStrictModel'> & Partial<Pick<ServerSettings, 'aliases'>>,
): void {
  if (isStrictModel) requireModel(asked, aliases ?? [engine.model.name]);
}
