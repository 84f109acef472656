/**
 * The flags of `kvr cluster`: whom to ask.
 */
import { Option } from 'commander';
import { KvrError } from '../../core/errors.js';
import {
  notEmpty,
  type OutputFlags,
  outputFlags,
  parseWorkers,
  type RoomFlags,
  roomFlags,
  securityFlags,
  type SecurityFlags,
} from '../flags/index.js';

export type ClusterFlags = OutputFlags &
  SecurityFlags &
  RoomFlags & {
    readonly workers?: number | string[];
    readonly server?: URL;
    readonly apiKey?: string;
  };

export const clusterFlags = (): Option[] => [
  new Option('-w, --workers <ADDRESSES>', 'running workers as HOST:PORT,HOST:PORT in chain order').argParser(
    parseWorkers,
  ),
  new Option('--server <URL>', 'a running server (kvr serve), as in http://127.0.0.1:8080').argParser(
    parseServer,
  ),
  new Option(
    '--api-key <KEY>',
    'with --server: its key; better given as KVR_API_KEY, which other users of the machine can not see',
  ).argParser((text) => notEmpty('--api-key', text)),
  ...roomFlags(),
  ...securityFlags(),
  ...outputFlags(),
];

/** @throws BAD_INPUT unless one way is given, and nothing that is about another */
export function checkFlags({ workers, server, cluster, apiKey }: ClusterFlags): void {
  const ways = [workers, server, cluster].filter((way) => way !== undefined).length;
  if (ways !== 1)
    throw bad(
      'one of --workers HOST:PORT,…, --server URL and --cluster nats://HOST says whom to ask; give it',
    );
  if (typeof workers === 'number')
    throw bad('--workers must name running workers here; give HOST:PORT,HOST:PORT');
  if (apiKey !== undefined && !server) throw bad('--api-key is about --server; give both or none');
}

/** @throws BAD_INPUT */
function parseServer(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol)) return url;
  throw bad('--server is no address of a server; give it as in http://127.0.0.1:8080');
}

function bad(message: string): KvrError {
  return new KvrError('BAD_INPUT', message);
}
