import { describe, expect, test } from 'vitest';
import { accepts } from '../accepts.test-support.js';
import { checkGrammar, compileGrammar } from '../grammar.js';

const takes = (grammar: string, text: string) =>
  accepts(compileGrammar({ type: 'gbnf', grammar }), Buffer.from(text));
const JSON_LIKE = `
# a value
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws

object ::= "{" ws (
            string ":" ws value
    ("," ws string ":" ws value)*
  )? "}" ws
array  ::= "[" ws ( value ("," ws value)* )? "]" ws
string ::= "\\"" ( [^"\\\\\\x7F\\x00-\\x1F] | "\\\\" (["\\\\bfnrt] | "u" [0-9a-fA-F]{4}) )* "\\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
ws ::= | " " | "\\n" [ \\t]{0,20}
`; // prettier-ignore

test.each<[grammar: string, good: string[], bad: string[]]>([
  ['root ::= "yes" | "no"', ['yes', 'no'], ['', 'yesno', 'maybe']],
  ['root ::= item+ # list\nitem ::= "- " [^\\n]+ "\\n"', ['- a\n', '- é😀\n- b\n'], ['- \n', '', '- a']],
  ['root ::= "a"{2,3} "b"{2} "c"{1,} "d"? .', ['aabbcx', 'aaabbccd😀'], ['abbcx', 'aabbc', 'aaaabbcx']],
  ['root ::= [a-c\\x64\\u00e9-] | "\\U0001F600" | ("(" root ")")', ['a', 'd', 'é', '-', '😀', '((b))'], ['e', '((b)', '()']],
  [JSON_LIKE, ['{}', '{"a": [1, -2.5e3, {"b": null}]}', '{"a":"\\\\n\\\\u00e9"}'], ['{"a"}', '[1]', '{"a":01}', '{']],
])('%s', (grammar, good, bad) => {
  for (const text of good) expect([text, takes(grammar, text)]).toEqual([text, true]);
  for (const text of bad) expect([text, takes(grammar, text)]).toEqual([text, false]);
}); // prettier-ignore

describe('refused by name', () => {
  test.each<[what: string, grammar: string, message: RegExp]>([
    ['no root', 'a ::= "b"', /no rule "root"/],
    ['a rule that is not there', 'root ::= a', /no rule "a"/],
    ['a rule that begins with itself', 'root ::= root "a" | "b"', /"root" begins with itself/],
    ['by way of others', 'root ::= a\na ::= "x"? b\nb ::= a "y" | "z"', /"a" begins with itself/],
    ['a token by number', 'root ::= <[1]>', /line 1: tokens by name or number/],
    ['no grammar', 'root = "a"', /line 1: "::=" is missing/],
    ['a text without end', 'root ::= "a', /does not end/],
    ['a group without end', 'root ::= ("a"', /"\)" is missing/],
    ['what is left over', 'root ::= "a" )', /"\)" is not expected/],
    ['a large repeat', 'root ::= "a"{1,5000}', /above 1000/],
    ['an escape', 'root ::= "\\q"', /no escape/],
    ['groups in groups', `root ::= ${'('.repeat(200)}"a"${')'.repeat(200)}`, /deeper than 64/],
    ['repeats of repeats', `root ::= "a"${'+'.repeat(4000)}`, /more than 64 repeats/],
    ['many readings', `root ::= ${'("a"?){900} '.repeat(40)}`, /readings of one text|comes to more/],
    ['nothing that ends', 'root ::= "a" root', /no text can satisfy it/],
  ])('%s', (_what, grammar, message) => {
    expect(() => checkGrammar({ type: 'gbnf', grammar })).toThrow(message);
  });
});

test('a regular expression holds a whole text', () => {
  const automaton = compileGrammar({ type: 'regex', pattern: '\\d{2}|"é\\n?' });
  const taken = ['12', '"é', '"é\n', 'a12', '123', ''].filter((text) =>
    accepts(automaton, Buffer.from(text)),
  );
  expect(taken).toEqual(['12', '"é', '"é\n']);
});
