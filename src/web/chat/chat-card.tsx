/**
 * The conversation and the box to write in.
 */
import { useEffect, useRef } from 'preact/hooks';
import { info } from '../state/store.js';
import { isAnswering, messages, startOver } from '../state/conversation.js';
import { Announcer } from './announcer.js';
import { Composer } from './composer.js';
import { Examples } from './examples.js';
import { MessageView } from './message-view.js';

export function ChatCard() {
  const list = messages.value;
  const isChat = info.value?.model.hasChatTemplate ?? true;
  return (
    <section class="card chat" id="chat" aria-labelledby="chat-title" tabIndex={-1}>
      <div class="card-head">
        <h2 id="chat-title">{isChat ? 'Chat' : 'Continue a text'}</h2>
        {list.length > 0 && (
          <button type="button" class="link" onClick={startOver}>
            Start over
          </button>
        )}
      </div>
      <Log />
      <Announcer />
      <Composer />
    </section>
  );
}

function Log() {
  const log = useRef<HTMLDivElement>(null);
  const list = messages.value;
  const last = list.at(-1);
  // Follows the text as it grows, unless the reader scrolled up.
  const isFollowing = useRef(true);
  useEffect(() => {
    if (log.current && isFollowing.current) log.current.scrollTop = log.current.scrollHeight;
  }, [list]);
  useEffect(() => {
    isFollowing.current = true;
  }, [list.length]);
  const onScroll = (): void => {
    const { current } = log;
    if (current)
      isFollowing.current = current.scrollHeight - current.scrollTop - current.clientHeight < NEAR_END_PX;
  };
  return (
    <div
      class="log"
      ref={log}
      onScroll={onScroll}
      tabIndex={0}
      role="log"
      aria-live="off"
      aria-label="Conversation"
      aria-busy={isAnswering.value}
    >
      {list.length === 0 && <Examples />}
      {list.map((message, i) => (
        <MessageView key={i} message={message} isLast={message === last} />
      ))}
    </div>
  );
}

const NEAR_END_PX = 40;
