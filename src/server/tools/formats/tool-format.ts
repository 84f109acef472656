/**
 * How a family of models writes calls of functions. As data: the grammar of calls (call-grammar.ts) and what reads them
 * (tool-reader.ts) go by it.
 */
export type ToolFunction = {
  readonly name: string;
  readonly parameters: unknown;
  readonly isStrict: boolean;
  /** Its schema may be loosened where it can not be held. */
  readonly isLoose?: boolean | undefined;
};

export type CallSyntax =
  /** {"name": "f", "arguments": {}} */
  | {
      readonly type: 'json';
      readonly nameKey: string;
      readonly argumentsKey: string;
      /** What the grammar puts before the name, by the place of the call. */
      readonly lead?: (index: number) => string;
    }
  /** The name, marks, and the arguments as JSON. The texts are what the grammar writes; readers take what is near to it. */
  | { readonly type: 'headed'; readonly before: string; readonly between: string; readonly behind: string }
  /** <function=f> with an element for each argument, whose text is the value. */
  | { readonly type: 'elements' }
  /** f(a=1, b="x") */
  | { readonly type: 'python' };

export type ToolFormat = {
  readonly family: string;
  /** Begins a call, or a list of them; undefined where a call is the whole answer. */
  readonly open?: string;
  /** Ends a call; undefined where calls go to the answer's end. */
  readonly close?: string;
  readonly syntax: CallSyntax;
  /** Calls stand in one list. */
  readonly isList: boolean;
  /** Around the call, within its marks. */
  readonly space: string;
  /** Stand before and behind all calls, and say nothing. */
  readonly around?: readonly [begin: string, end: string];
  /** Further marks within a call that may be special tokens. */
  readonly inner?: readonly string[];
  /** No template shows it: the server tells the model of its tools, and holds answers to it. */
  readonly isGeneric?: boolean;
};

/** All marks of a format, which may be special tokens. */
export function marksOf({ open, close, around, inner = [] }: ToolFormat): string[] {
  return [open, close, ...(around ?? []), ...inner].filter((mark) => mark !== undefined);
}
