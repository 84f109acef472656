/**
 * The parts of a parsed template.
 */
import type { ArithmeticOperator } from '../values/arithmetic.js';
import type { Value } from '../values/value.js';

export type ComparisonOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in';

/** What stands in the brackets of a call: also lists and mappings whose items are arguments. */
export type Arguments = {
  readonly args: readonly Expression[];
  readonly named: readonly (readonly [string, Expression])[];
  readonly list?: Expression | undefined;
  readonly mapping?: Expression | undefined;
};

/** A filter or a test, with its arguments. */
export type Step = { readonly name: string; readonly call: Arguments };

export type Expression =
  | { readonly type: 'constant'; readonly value: Value }
  | { readonly type: 'name'; readonly name: string }
  | { readonly type: 'list' | 'tuple'; readonly items: readonly Expression[] }
  | { readonly type: 'mapping'; readonly entries: readonly (readonly [Expression, Expression])[] }
  /** `value.name` */
  | { readonly type: 'member'; readonly of: Expression; readonly name: string }
  /** `value[key]` */
  | { readonly type: 'item'; readonly of: Expression; readonly key: Expression }
  | { readonly type: 'slice'; readonly of: Expression; readonly bounds: readonly (Expression | undefined)[] }
  | { readonly type: 'call'; readonly of: Expression; readonly call: Arguments }
  | { readonly type: 'filter'; readonly of: Expression; readonly filter: Step }
  | { readonly type: 'test'; readonly of: Expression; readonly test: Step; readonly isNot: boolean }
  | { readonly type: 'not' | 'negative' | 'positive'; readonly of: Expression }
  | { readonly type: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly type: 'concat'; readonly parts: readonly Expression[] }
  | {
      readonly type: 'arithmetic';
      readonly operator: ArithmeticOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly type: 'comparison';
      readonly first: Expression;
      readonly others: readonly (readonly [ComparisonOperator, Expression])[];
    }
  | {
      readonly type: 'choice';
      readonly test: Expression;
      readonly yes: Expression;
      readonly no: Expression | undefined;
    };

/** What is set: a name, several of them, or the member of a namespace. */
export type Target =
  | { readonly type: 'name'; readonly name: string }
  | { readonly type: 'several'; readonly targets: readonly Target[] }
  | { readonly type: 'member'; readonly of: string; readonly name: string };

/** A macro's or a call block's names and defaults, and which further arguments its body reads. */
export type Signature = {
  readonly parameters: readonly { readonly name: string; readonly byDefault: Expression | undefined }[];
  readonly reads: ReadonlySet<string>;
};

export type ForLoop = {
  readonly type: 'for';
  readonly target: Target;
  readonly over: Expression;
  readonly test: Expression | undefined;
  readonly isRecursive: boolean;
  readonly body: readonly Statement[];
  readonly otherwise: readonly Statement[];
};

export type Statement =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'print'; readonly value: Expression }
  | {
      readonly type: 'if';
      readonly test: Expression;
      readonly yes: readonly Statement[];
      readonly no: readonly Statement[];
    }
  | ForLoop
  | { readonly type: 'break' | 'continue' }
  | { readonly type: 'set'; readonly target: Target; readonly value: Expression }
  | {
      readonly type: 'set block';
      readonly target: Target;
      readonly filters: readonly Step[];
      readonly body: readonly Statement[];
    }
  | {
      readonly type: 'with';
      readonly sets: readonly (readonly [Target, Expression])[];
      readonly body: readonly Statement[];
    }
  | {
      readonly type: 'macro';
      readonly name: string;
      readonly signature: Signature;
      readonly body: readonly Statement[];
    }
  | {
      readonly type: 'call block';
      readonly call: Expression & { readonly type: 'call' };
      readonly signature: Signature;
      readonly body: readonly Statement[];
    }
  | { readonly type: 'filter block'; readonly filters: readonly Step[]; readonly body: readonly Statement[] }
  /** Prints its body, in a scope of its own. */
  | { readonly type: 'scope'; readonly body: readonly Statement[] };
