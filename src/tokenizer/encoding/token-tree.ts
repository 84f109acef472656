/**
 * Finds added tokens in a text: at the first place where one matches, the longest. A tree of characters, whose size
 * token-limits bounds. Called by added-tokens.
 */
type Node<T> = { readonly next: Map<number, Node<T>>; value: T | undefined };

export class TokenTree<T> {
  readonly #root: Node<T> = { next: new Map(), value: undefined };

  /** The first value of a text stays. */
  add(text: string, value: T): void {
    if (text === '') return;
    let node = this.#root;
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      const next = node.next.get(code) ?? { next: new Map(), value: undefined };
      node.next.set(code, next);
      node = next;
    }
    node.value ??= value;
  }

  /** The next match at or after `from`. */
  find(
    text: string,
    from: number,
  ): { readonly start: number; readonly end: number; readonly value: T } | undefined {
    if (this.#root.next.size === 0) return undefined;
    for (let start = from; start < text.length; start += 1) {
      const found = this.#longestAt(text, start);
      if (found !== undefined) return { start, ...found };
    }
    return undefined;
  }

  #longestAt(text: string, start: number): { readonly end: number; readonly value: T } | undefined {
    let node = this.#root.next.get(text.charCodeAt(start));
    let found: { end: number; value: T } | undefined;
    for (let end = start + 1; node !== undefined; end += 1) {
      if (node.value !== undefined) found = { end, value: node.value };
      node = end < text.length ? node.next.get(text.charCodeAt(end)) : undefined;
    }
    return found;
  }
}
