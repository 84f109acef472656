/**
 * A link: an ordered, reliable, two-way stream of frames to one peer. Implemented over sockets (unix, TCP, TLS) and in
 * memory; one conformance suite holds for all.
 */
import type { Frame, FrameHeader } from './frame.js';

export type LinkHandlers = {
  /** Called for every frame, in order; the handler owns the frame's payload. */
  readonly onFrame: (frame: Frame) => void;
  /** Called for every frame before memory is taken for it; what it throws ends the link. */
  readonly onFrameHead?: (header: FrameHeader) => void;
  /** Called whenever bytes have come, also of a frame that is not whole yet. */
  readonly onHeard?: () => void;
  /** Called once, when the link has ended: without an error after close(), with one after a break or garbage. */
  readonly onClose: (error?: Error) => void;
};

export interface Link {
  /** Which process is at the other end, where it has proved it (TLS): it is the same for all links of one process. */
  readonly peerIdentity?: string | undefined;
  /** Hands a frame over; it never blocks. The payload must not change until `onSent`, if given, was called:
   * when the system has taken the frame, or the link has ended and it never will. */
  send(frame: Frame, onSent?: () => void): void;
  /** Bytes handed over and not yet taken by the system. */
  readonly bufferedBytes: number;
  /** Stops reading, so that the peer's sends queue up on its side. */
  pause(): void;
  resume(): void;
  readonly isPaused: boolean;
  /** Ends the link; frames already handed over are still sent when no error is given. Twice is harmless. */
  close(error?: Error): void;
  readonly isClosed: boolean;
}
