/**
 * Where the reader writes: Enter sends, Shift and Enter begin a new line. While an answer comes, the button stops it.
 */
import { signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { info } from '../state/store.js';
import { isAnswering, send, stop } from '../state/conversation.js';
import { SettingsForm } from './settings-form.js';

/** What is written and not sent yet. */
export const draft = signal('');
const MAX_BOX_PX = 220;

export function Composer() {
  const box = useRef<HTMLTextAreaElement>(null);
  const { value } = draft;
  const isReady = info.value !== null;
  useLayoutEffect(() => {
    const { current } = box;
    if (!current) return;
    current.style.height = 'auto';
    current.style.height = `${Math.min(MAX_BOX_PX, current.scrollHeight + 2)}px`;
  }, [value]);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (isAnswering.value || !isReady || value === '') return;
    draft.value = '';
    void send(value);
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) submit(event);
    if (event.key === 'Escape') stop();
  };
  const isChat = info.value?.model.hasChatTemplate ?? true;
  return (
    <form class="composer" onSubmit={submit}>
      <label class="hidden" for="message">
        {isChat ? 'Message' : 'Text to continue'}
      </label>
      <textarea
        id="message"
        ref={box}
        rows={2}
        value={value}
        placeholder={isChat ? 'Ask something' : 'A text that the model goes on with'}
        aria-describedby="message-keys"
        onInput={(event) => (draft.value = event.currentTarget.value)}
        onKeyDown={onKey}
      />
      <div class="composer-foot">
        <SettingsForm />
        <span id="message-keys" class="aside keys">
          Enter sends
        </span>
        {isAnswering.value ? (
          <button type="button" class="stop" onClick={stop}>
            Stop
          </button>
        ) : (
          <button type="submit" class="primary" disabled={!isReady || value === ''}>
            Send
          </button>
        )}
      </div>
    </form>
  );
}
