/**
 * Tells screen readers what the model says: whole words, a few seconds apart, instead of every token.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import { messages } from '../state/conversation.js';

const PAUSE_MS = 2000;

export function Announcer() {
  const [told, setTold] = useState('');
  const toldChars = useRef(0);
  const index = messages.value.length - 1;
  const last = messages.value[index];
  useEffect(() => {
    toldChars.current = 0;
    setTold('');
  }, [index]);
  const isWriting = last?.state === 'streaming';
  useEffect(() => {
    if (last?.role !== 'assistant') return undefined;
    const tell = (): void => {
      const { text = '', state } = messages.value.at(-1) ?? {};
      const end = wordsEnd(text, state !== 'streaming');
      if (end > toldChars.current) setTold(text.slice(toldChars.current, end));
      toldChars.current = Math.max(toldChars.current, end);
    };
    if (!isWriting) return tell();
    const timer = setInterval(tell, PAUSE_MS);
    return () => clearInterval(timer);
  }, [index, isWriting]);
  return (
    <div class="hidden" role="status" aria-live="polite">
      {last?.state === 'prefill' ? 'The model reads the prompt.' : told}
    </div>
  );
}

/** @returns how much of a text that still grows ends with a whole word */
function wordsEnd(text: string, isWhole: boolean): number {
  return isWhole ? text.length : text.lastIndexOf(' ') + 1;
}
