/**
 * Asks for the API key once the server has answered 401.
 */
import { useState } from 'preact/hooks';
import { apiKey, isKeyWanted, keepKey } from '../data/key.js';
import { connect } from '../state/connection.js';

export function KeyForm() {
  const [key, setKey] = useState('');
  if (!isKeyWanted.value) return null;
  const submit = (event: Event): void => {
    event.preventDefault();
    if (key === '') return;
    keepKey(key);
    setKey('');
    connect();
  };
  return (
    <form class="card key" onSubmit={submit} aria-live="polite">
      <label for="api-key">
        {apiKey.value === '' ? 'This server asks for an API key.' : 'The server refused this API key.'}
      </label>
      <input
        id="api-key"
        type="password"
        autocomplete="off"
        spellcheck={false}
        value={key}
        aria-describedby="api-key-note"
        onInput={(event) => setKey(event.currentTarget.value)}
      />
      <button type="submit" class="primary" disabled={key === ''}>
        Use it
      </button>
      <p id="api-key-note" class="aside">
        The one given to kvr serve --api-key. It is kept in this tab only, until it is closed.
      </p>
    </form>
  );
}
