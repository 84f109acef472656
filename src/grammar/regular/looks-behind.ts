/**
 * What stands behind, for looks that ask: for each a formula that goes along with the text, and holds at its end where the look's body does.
 */
import { KvrError } from '../../core/errors.js';
import { ANY_CHAR } from './classes.js';
import { anyFormula, type Formula } from './formula.js';
import type { Behind, Positions } from './positions.js';
import { inOrder, type LookTree, times, type Tree, within } from './tree.js';

const MAX_LOOKS = 16;

export class LooksBehind {
  readonly #positions: Positions;
  /** Bodies, those that others ask about first. */
  readonly #bodies: readonly Tree[];

  /** @throws BAD_INPUT for a look ahead within one, and for too many */
  constructor(trees: readonly Tree[], positions: Positions) {
    this.#positions = positions;
    this.#bodies = bodiesOf(trees);
    if (this.#bodies.length > MAX_LOOKS)
      throw new KvrError(
        'BAD_INPUT',
        `a pattern has more than ${MAX_LOOKS} looks behind; write it another way`,
      );
  }

  /** By body. */
  begin(): readonly Formula[] {
    return this.#along((body, behind) => this.#anywhere(body, behind));
  }

  after(formulas: readonly Formula[], point: number): readonly Formula[] {
    return this.#along((_body, behind, index) =>
      this.#positions.after(formulas[index] as Formula, point, behind),
    );
  }

  answer(formulas: readonly Formula[]): Behind {
    const holds = formulas.map((formula) => this.#positions.canEnd(formula));
    return {
      key: holds.map(Number).join(''),
      isAs: (look) => holds[this.#bodies.indexOf(look.body)] !== look.isNegated,
    };
  }

  /** A body may ask about those before it. */
  #along(make: (body: Tree, behind: Behind, index: number) => Formula): readonly Formula[] {
    const made: Formula[] = [];
    for (const [index, body] of this.#bodies.entries()) made.push(make(body, this.answer(made), index));
    return made;
  }

  #anywhere(body: Tree, behind: Behind): Formula {
    const before = times(ANY_CHAR, 0, Infinity);
    return anyFormula([this.#positions.begin(inOrder(before, body), true, behind)]);
  }
}

function bodiesOf(trees: readonly Tree[]): readonly Tree[] {
  const bodies = new Set<Tree>();
  const add = (look: LookTree): void => {
    for (const one of within(look.body)) {
      if (one.kind !== 'look') continue;
      if (!one.isBehind)
        throw new KvrError(
          'BAD_INPUT',
          'a pattern looks ahead within a look behind, which is not supported; write it another way',
        );
      add(one);
    }
    bodies.add(look.body);
  };
  for (const tree of trees) for (const one of within(tree)) if (one.kind === 'look' && one.isBehind) add(one);
  return [...bodies];
}
