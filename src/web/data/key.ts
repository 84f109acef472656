/**
 * The API key: kept for this tab only, sent to this server only.
 */
import { signal } from '@preact/signals';

const NAME = 'kvr-api-key';

export const apiKey = signal(sessionStorage.getItem(NAME) ?? '');
/** The server answered 401. */
export const isKeyWanted = signal(false);

export function keepKey(key: string): void {
  sessionStorage.setItem(NAME, key);
  apiKey.value = key;
  isKeyWanted.value = false;
}
