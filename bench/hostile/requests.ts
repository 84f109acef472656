/**
 * HTTP requests of the campaign, as their bodies. Pure.
 */
export type HostileCase = { readonly name: string; readonly path: string; readonly body: string };

export const CHAT_PATH = '/v1/chat/completions';
const MESSAGES = [{ role: 'user', content: 'hi' }];

export function chat(name: string, fields: object): HostileCase {
  return { name, path: CHAT_PATH, body: JSON.stringify({ messages: MESSAGES, max_tokens: 1, ...fields }) };
}

export function completion(name: string, fields: object): HostileCase {
  return { name, path: '/v1/completions', body: JSON.stringify({ max_tokens: 1, ...fields }) };
}

export function schemaCase(name: string, schema: unknown): HostileCase {
  const format = { type: 'json_schema', json_schema: { name: 'hostile', schema } };
  return chat(name, { response_format: format });
}
