/**
 * The conformance suite of Transport, run on every kind of address.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Address } from './address.js';
import { controlFrame, encodeHead, type Frame } from './frame.js';
import type { Link } from './link.js';
import { plainTransports, type TransportOf } from './open-transport.js';
import { identityFrom } from './security/identity.js';
import { tlsTransport } from './tls-transport.js';
import type { Listener, OpenLink } from './transport.js';

const cleanup: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanup.splice(0).reverse()) clean();
});

function unixAddress(): Address {
  const folder = mkdtempSync(join(tmpdir(), 'kvr-transport-'));
  cleanup.push(() => rmSync(folder, { recursive: true, force: true }));
  return { kind: 'unix', path: join(folder, 's') };
}
const secured = tlsTransport(identityFrom(new Uint8Array(32).fill(7)));
const tlsTransports: TransportOf = () => secured;
const tcpAddress = (): Address => ({ kind: 'tcp', host: '127.0.0.1', port: 0 });

type End = { link: Link; frame: Promise<Frame>; closed: Promise<Error | undefined> };

/** An end of a link, and its first frame and its end as promises. */
function endOf(open: OpenLink): End {
  let onFrame: (frame: Frame) => void = () => undefined;
  let onClose: (error?: Error) => void = () => undefined;
  const frame = new Promise<Frame>((resolve) => (onFrame = resolve));
  const closed = new Promise<Error | undefined>((resolve) => (onClose = resolve));
  const link = open({ onFrame: (each) => onFrame(each), onClose: (error) => onClose(error) });
  cleanup.push(() => link.close());
  return { link, frame, closed };
}

async function listen(
  address: Address,
  transportOf: TransportOf = plainTransports,
): Promise<{ listener: Listener; caller: Promise<End> }> {
  let onCaller: (end: End) => void = () => undefined;
  const caller = new Promise<End>((resolve) => (onCaller = resolve));
  const listener = await transportOf(address).listen(address, (open) => onCaller(endOf(open)));
  cleanup.push(() => listener.close());
  return { listener, caller };
}

describe.each([
  ['unix', unixAddress, plainTransports],
  ['tcp', tcpAddress, plainTransports],
  ['tls', tcpAddress, tlsTransports],
])('%s', (_, makeAddress, transportOf) => {
  const dial = (address: Address, signal?: AbortSignal): Promise<OpenLink> =>
    transportOf(address).dial(address, signal);

  test('frames go both ways between who dials and who listens', async () => {
    const { listener, caller } = await listen(makeAddress(), transportOf);
    const near = endOf(await dial(listener.address));
    const far = await caller;
    near.link.send(controlFrame('there'));
    far.link.send(controlFrame('and back'));
    expect(await far.frame).toMatchObject({ message: 'there' });
    expect(await near.frame).toMatchObject({ message: 'and back' });
  });

  test('dialling where nobody listens is a LINK error that names the address', async () => {
    const { listener } = await listen(makeAddress(), transportOf);
    listener.close();
    const { address } = listener;
    const name = address.kind === 'unix' ? address.path : String(address.port);
    await expect(dial(address)).rejects.toMatchObject({
      code: 'LINK',
      message: expect.stringContaining(name) as string,
    });
  });

  test('a cancelled dial ends at once, also when it was cancelled before it began', async () => {
    const { listener } = await listen(makeAddress(), transportOf);
    const cancelled = new AbortController();
    const late = dial(listener.address, cancelled.signal);
    cancelled.abort();
    await expect(late).rejects.toMatchObject({ code: 'LINK' });
    await expect(dial(listener.address, AbortSignal.abort())).rejects.toMatchObject({ code: 'LINK' });
  });

  test('a link that stands is left alone by a signal that comes later', async () => {
    const { listener, caller } = await listen(makeAddress(), transportOf);
    const controller = new AbortController();
    const near = endOf(await dial(listener.address, controller.signal));
    const far = await caller;
    controller.abort();
    near.link.send(controlFrame('still here'));
    expect(await far.frame).toMatchObject({ message: 'still here' });
  });

  test('a listener that closes takes no more callers and leaves links that stand alone; twice is harmless', async () => {
    const { listener, caller } = await listen(makeAddress(), transportOf);
    const near = endOf(await dial(listener.address));
    const far = await caller;
    listener.close();
    listener.close();
    await expect(dial(listener.address)).rejects.toMatchObject({ code: 'LINK' });
    near.link.send(controlFrame('still here'));
    expect(await far.frame).toMatchObject({ message: 'still here' });
  });

  test('an address that is taken is refused with its name', async () => {
    const { listener } = await listen(makeAddress(), transportOf);
    await expect(listen(listener.address, transportOf)).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });

  test('who dialled hears that the other end has closed', async () => {
    const { listener, caller } = await listen(makeAddress(), transportOf);
    const near = endOf(await dial(listener.address));
    (await caller).link.close();
    expect(await near.closed).toMatchObject({ code: 'LINK' });
  });
});

test('a port of 0 is told as the one the system chose', async () => {
  const { listener } = await listen(tcpAddress());
  expect((listener.address as { port: number }).port).toBeGreaterThan(0);
});

test.each([true, false])('a frame over TCP must have a checksum (it has: %s)', async (isChecksummed) => {
  const { listener, caller } = await listen(tcpAddress());
  const { port } = listener.address as { port: number };
  const raw = connect(port, '127.0.0.1');
  cleanup.push(() => raw.destroy());
  raw.write(encodeHead(controlFrame('plain'), isChecksummed));
  const far = await caller;
  if (isChecksummed) expect(await far.frame).toMatchObject({ message: 'plain' });
  else expect(await far.closed).toMatchObject({ code: 'PROTOCOL' });
});
