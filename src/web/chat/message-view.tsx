/**
 * One message. What the model says is text, never markup.
 */
import { useState } from 'preact/hooks';
import { formatCount, formatMs, formatTokenRate } from '../format/figures.js';
import type { Message } from '../state/conversation.js';
import { requests, selectedId } from '../state/store.js';

/** Longer questions are folded: most of them are documents. */
const FOLDED_CHARS = 600;

export function MessageView({ message, isLast }: { readonly message: Message; readonly isLast: boolean }) {
  const { role, state, text } = message;
  const isWriting = isLast && state === 'streaming';
  return (
    <article class={`message ${role}`} aria-label={role === 'user' ? 'You' : 'Model'}>
      {role === 'user' ? <Folded text={text} /> : <p class={isWriting ? 'text writing' : 'text'}>{text}</p>}
      {state === 'prefill' && isLast && <Prefill fraction={message.fraction} />}
      {message.note !== null && (
        <p class={state === 'failed' ? 'failure' : 'aside'} role={state === 'failed' ? 'alert' : undefined}>
          {message.note}
        </p>
      )}
      {role === 'assistant' && message.requestId !== null && <Measures requestId={message.requestId} />}
    </article>
  );
}

function Folded({ text }: { readonly text: string }) {
  const [isOpen, setOpen] = useState(false);
  if (text.length <= FOLDED_CHARS) return <p class="text">{text}</p>;
  const half = FOLDED_CHARS / 2;
  return (
    <>
      <p class="text">{isOpen ? text : `${text.slice(0, half)} […] ${text.slice(-half)}`}</p>
      <button type="button" class="link" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {isOpen ? 'Show less' : `Show all ${formatCount(text.length)} characters`}
      </button>
    </>
  );
}

function Prefill({ fraction }: { readonly fraction: number }) {
  return (
    <div class="reading">
      <progress max={1} value={fraction} aria-label="Reading the prompt" />
      <span>reading the prompt, {Math.round(100 * fraction)} %</span>
    </div>
  );
}

/** The server's figures for this answer, once it has some. */
function Measures({ requestId }: { readonly requestId: string }) {
  const record = requests.value.find(({ id }) => isOf(id, requestId));
  if (!record || record.ttftMs === null) return null;
  const { ttftMs, predictedTtftMs, decodeTokensPerSecond } = record;
  return (
    <p class="measures">
      first token {formatMs(ttftMs)} <span class="label measured">measured</span>
      {predictedTtftMs !== null && (
        <>
          , {formatMs(predictedTtftMs)} <span class="label predicted">predicted</span>
        </>
      )}
      {decodeTokensPerSecond !== null && <>; then {formatTokenRate(decodeTokensPerSecond)}</>}{' '}
      <a href="#chain" onClick={() => (selectedId.value = record.id)}>
        See its chain
      </a>
    </p>
  );
}

/** A request with several choices has a record for each. */
function isOf(recordId: string, requestId: string): boolean {
  return recordId === requestId || recordId.startsWith(`${requestId}-`);
}
