/**
 * Whether a template wants the arguments of earlier calls as an object, or as the text of it. Most put objects into JSON
 * themselves; some join arguments with other text as they are, as the API that they were written for gives them.
 */
type Message = { readonly tool_calls?: readonly unknown[] };

const JOINED = /(?:[+~]|\{\{-?)\s*[\w.[\]'"]*arguments['"\]]*\s*(?:[+~]|-?\}\}|[)])/;
/** It looks at what they are, or goes over them. */
const READ =
  /arguments['"\]]*\s*(?:\|\s*(?:tojson|items)|\.items|is\s+(?:not\s+)?(?:string|mapping))|in\s+[\w.[\]'"]*arguments/;

export function wantsText(source: string): boolean {
  return JOINED.test(source) && !READ.test(source);
}

/** The messages, with all arguments that are objects as their JSON. */
export function withTextArguments<T extends Message>(messages: readonly T[]): T[] {
  return messages.map((message) =>
    message.tool_calls ? { ...message, tool_calls: message.tool_calls.map(asText) } : message,
  );
}

function asText(call: unknown): unknown {
  const { function: called, ...rest } = call as { readonly function?: Record<string, unknown> };
  if (called === undefined || typeof called['arguments'] !== 'object') return call;
  return { ...rest, function: { ...called, arguments: JSON.stringify(called['arguments']) } };
}
