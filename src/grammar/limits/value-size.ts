/**
 * How large a value of JSON is, found without writing it out. Pure.
 */

/**
 * Characters of its texts and names, and one for each value: never more than its JSON has. Stops above the limit, and
 * never goes deeper than a stack holds. @param perValue more than one where values cost something by themselves
 */
export function leastChars(value: unknown, limit: number, perValue = 1): number {
  const open: unknown[] = [value];
  let chars = 0;
  while (open.length > 0 && chars <= limit) {
    const one = open.pop();
    chars += perValue;
    if (typeof one === 'string') chars += one.length;
    else if (Array.isArray(one)) {
      // A long list is not gone over once it is too much.
      if (chars + perValue * one.length <= limit) for (const item of one) open.push(item);
      else chars += perValue * one.length;
    } else if (typeof one === 'object' && one !== null) chars += pushMembers(one, open);
  }
  return chars;
}

function pushMembers(value: object, open: unknown[]): number {
  let chars = 0;
  for (const [key, member] of Object.entries(value)) {
    chars += key.length;
    open.push(member);
  }
  return chars;
}
