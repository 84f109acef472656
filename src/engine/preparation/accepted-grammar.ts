/**
 * A grammar that was checked, so that nobody on the engine's side needs to do it again.
 */
import type { Grammar } from '../../grammar/grammar.js';

export class AcceptedGrammar {
  readonly grammar: Grammar;
  /** What of its loose schemas answers are not held to, by place and keyword. */
  readonly loosened: readonly string[];

  /** Only for kinds of RequestPreparation, once the check is done; the grammar must not change any more. */
  constructor(grammar: Grammar, loosened: readonly string[] = []) {
    this.grammar = grammar;
    this.loosened = loosened;
  }
}
