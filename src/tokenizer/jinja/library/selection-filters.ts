/**
 * Filters that apply another filter, a test or a member's name to every item: map, select and their like.
 */
import { isTrue, itemsOf } from '../values/iteration.js';
import { type Call, type Value, Undefined } from '../values/value.js';
import { textOf } from './given.js';
import { memberAt } from './members.js';
import type { Runtime } from './runtime.js';

/** A filter that takes any arguments. */
export type OpenFilter = (value: Value, call: Call, runtime: Runtime) => Value;

export const SELECTION_FILTERS: Readonly<Record<string, OpenFilter>> = {
  map: mapped,
  select: (value, call, runtime) => selected(value, call, runtime, false, true),
  reject: (value, call, runtime) => selected(value, call, runtime, false, false),
  selectattr: (value, call, runtime) => selected(value, call, runtime, true, true),
  rejectattr: (value, call, runtime) => selected(value, call, runtime, true, false),
};

function mapped(value: Value, { args, named }: Call, runtime: Runtime): Value {
  const items = itemsOf(value, runtime.budget);
  const [first, ...rest] = args;
  const attribute = named.get('attribute');
  if (first === undefined && attribute !== undefined) {
    const byDefault = named.get('default');
    return items.map((item) => {
      const member = memberAt(item, attribute, runtime);
      return member instanceof Undefined && byDefault !== undefined ? byDefault : member;
    });
  }
  const name = textOf(first);
  return items.map((item) => runtime.filter(name, item, { args: rest, named }));
}

/** @param wanted what the test must say of an item that stays */
function selected(
  value: Value,
  { args, named }: Call,
  runtime: Runtime,
  hasAttribute: boolean,
  wanted: boolean,
): Value {
  const [attribute, ...others] = hasAttribute ? args : [null, ...args];
  if (attribute === undefined) throw new Error('the name of an attribute is needed');
  const [test, ...rest] = others;
  const name = test === undefined ? undefined : textOf(test);
  return itemsOf(value, runtime.budget).filter((item) => {
    const subject = hasAttribute ? memberAt(item, attribute, runtime) : item;
    const isHeld = name === undefined ? isTrue(subject) : runtime.test(name, subject, { args: rest, named });
    return isHeld === wanted;
  });
}
