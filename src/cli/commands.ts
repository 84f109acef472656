/**
 * The list of commands. What a command needs is loaded when it is the one that was asked for: most of the program, its
 * libraries included, would otherwise be loaded by `kvr --help` too.
 */
import type { Command } from './run/command.js';

export type CommandEntry = {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** As the list shows it. */
  readonly argument?: string;
  readonly load: () => Promise<Command<never>>;
};

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'generate',
    summary: 'answer one prompt and show what every worker did',
    argument: '[prompt]',
    load: async () => (await import('./generate/generate.js')).generate,
  },
  {
    name: 'chat',
    summary: 'a conversation with a model that has a chat template',
    load: async () => (await import('./chat/chat.js')).chat,
  },
  {
    name: 'serve',
    summary: 'an OpenAI-compatible server, and a page that shows the chain',
    load: async () => (await import('./serve/serve.js')).serve,
  },
  {
    name: 'pull',
    summary: 'fetch a model from the hub, or what is missing of it',
    argument: '<model>',
    load: async () => (await import('./pull/pull.js')).pull,
  },
  {
    name: 'models',
    summary: 'list the models that are here, or remove one',
    load: async () => (await import('./models/models.js')).models,
  },
  {
    name: 'inspect',
    summary: 'what a checkpoint is, and the memory its workers need',
    load: async () => (await import('./inspect/inspect.js')).inspect,
  },
  {
    name: 'demo',
    summary: 'see a chain of workers answer a question about a long text; needs no download',
    load: async () => (await import('./demo/demo.js')).demo,
  },
  {
    name: 'plan',
    summary: 'how a context would be cut over workers, and what that would take',
    load: async () => (await import('./plan/plan.js')).plan,
  },
  {
    name: 'bench',
    summary: 'set strategies side by side, measured here or emulated for more workers',
    load: async () => (await import('./bench/bench.js')).bench,
  },
  {
    name: 'simulate',
    summary: 'strategies on a described cluster, and the paper’s cases beside ours',
    argument: '[what]',
    load: async () => (await import('./simulate/simulate.js')).simulateCommand,
  },
  {
    name: 'worker',
    summary: 'serve a model to engines on this or another machine',
    load: async () => (await import('./worker/worker.js')).worker,
  },
  {
    name: 'cluster',
    summary: 'the machines of a cluster: what each runs, and how fast its link to the next is',
    load: async () => (await import('./cluster/cluster.js')).cluster,
  },
  {
    name: 'key',
    summary: 'make the key that keeps strangers out of a cluster of machines',
    load: async () => (await import('./key/key.js')).key,
  },
];
