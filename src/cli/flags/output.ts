/**
 * What a command prints: the flags that every command has.
 */
import { Option } from 'commander';

export type OutputFlags = { readonly json?: true; readonly quiet?: true; readonly verbose?: true };

export const outputFlags = (): Option[] => [
  new Option(
    '--json',
    'print exactly one JSON document to stdout, also for a failure: { "error": { "code", "message" } }',
  ),
  new Option('-q, --quiet', 'print nothing but the answer and errors'),
  new Option('--verbose', 'print the stack of an error too'),
];
