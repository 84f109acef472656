/**
 * A grammar that was checked, so that nobody on the engine's side needs to do it again.
 */
import type { Grammar } from '../../grammar/grammar.js';

export class AcceptedGrammar {
  readonly grammar: Grammar;

  /** Only for kinds of RequestPreparation, once the check is done; the grammar must not change any more. */
  constructor(grammar: Grammar) {
    this.grammar = grammar;
  }
}
