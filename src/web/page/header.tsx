/**
 * What is served, whether it is heard, and the colours.
 */
import { formatContext, formatParameters } from '../format/figures.js';
import { connect, connection } from '../state/connection.js';
import { info } from '../state/store.js';
import { type Theme, theme } from '../state/theme.js';

export function Header() {
  return (
    <header class="top">
      <h1>kv-runahead</h1>
      <Model />
      <Connection />
      <ThemeSwitch />
    </header>
  );
}

function Model() {
  const server = info.value;
  if (!server) return <p class="model" />;
  const { model, workers, threads, dtype } = server;
  const facts = [
    `${formatParameters(model.parameters)} parameters`,
    `${model.layers} layers`,
    dtype,
    `${workers} ${workers === 1 ? 'worker' : 'workers'} × ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    `context ${formatContext(model.contextTokens)}`,
  ];
  return (
    <p class="model">
      <strong>{model.name}</strong> <span class="facts">{facts.join(' · ')}</span>
    </p>
  );
}

const WORDS = { connecting: 'connecting', live: 'live', lost: 'not connected' } as const;

function Connection() {
  const state = connection.value;
  return (
    <p class="connection" role="status">
      <span class={`dot ${state}`} /> {WORDS[state]}
      {state === 'lost' && (
        <button type="button" class="link" onClick={connect}>
          Connect
        </button>
      )}
    </p>
  );
}

const THEMES: readonly [Theme, string][] = [
  ['system', 'Auto'],
  ['light', 'Light'],
  ['dark', 'Dark'],
];

function ThemeSwitch() {
  return (
    <fieldset class="theme">
      <legend class="hidden">Colours</legend>
      {THEMES.map(([value, word]) => (
        <label key={value}>
          <input
            type="radio"
            name="theme"
            value={value}
            checked={theme.value === value}
            onChange={() => (theme.value = value)}
          />
          <span>{word}</span>
        </label>
      ))}
    </fieldset>
  );
}
