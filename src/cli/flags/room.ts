/**
 * The room at NATS in which workers and engines find each other.
 */
import { Option } from 'commander';
import type { RoomOption } from '../../cluster/worker-source.js';
import {
  DEFAULT_ROOM,
  parseServers,
  type RoomAddress,
  roomNameSchema,
} from '../../cluster/room/room-address.js';
import { KvrError } from '../../core/errors.js';
import { shown } from '../terminal/numbers.js';
import { notEmpty } from './kinds.js';

export type RoomFlags = {
  readonly cluster?: readonly string[];
  readonly room?: string;
  readonly natsCreds?: string;
};

export const roomFlags = (): Option[] => [
  new Option(
    '--cluster <URLS>',
    'find each other at a NATS server: nats://HOST:4222 or tls://HOST:4222, with USER:PASSWORD@ or TOKEN@ before HOST where it wants that; several with commas between',
  ).argParser(parseServers),
  new Option(
    '--room <NAME>',
    `with --cluster: those of one name find each other; ${DEFAULT_ROOM} unless given`,
  ).argParser(parseRoom),
  new Option(
    '--nats-creds <FILE>',
    'with --cluster: credentials, as NATS accounts have them (other users of this machine can not see them, unlike a password in an address)',
  ).argParser((text) => notEmpty('--nats-creds', text)),
];

/** @returns undefined where no room was given. @throws BAD_INPUT */
export function roomOf({ cluster, room, natsCreds }: RoomFlags): RoomAddress | undefined {
  const idle = room !== undefined ? '--room' : natsCreds !== undefined ? '--nats-creds' : undefined;
  if (cluster) {
    const credentials = natsCreds === undefined ? {} : { credentialsFile: natsCreds };
    return { servers: cluster, name: room ?? DEFAULT_ROOM, ...credentials };
  }
  if (idle === undefined) return undefined;
  throw new KvrError('BAD_INPUT', `${idle} is about --cluster; give both or none`);
}

/** What an engine is given. @returns undefined where no room was given. @throws BAD_INPUT */
export function roomOption(flags: RoomFlags & { readonly insecure?: true }): RoomOption | undefined {
  const room = roomOf(flags);
  if (room) return { room, insecure: flags.insecure === true };
  if (!flags.insecure) return undefined;
  throw new KvrError(
    'BAD_INPUT',
    '--insecure is about workers that join (--listen-workers) or are found (--cluster); leave it out',
  );
}

/** @throws BAD_INPUT */
function parseRoom(text: string): string {
  if (roomNameSchema.safeParse(text).success) return text;
  throw new KvrError(
    'BAD_INPUT',
    `--room ${shown(text)} is no name of a room; give up to 64 letters, digits, dashes and underscores`,
  );
}
