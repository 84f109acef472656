/** Quantities as flags have them; they are core's, since the server's queries have them too. */
export { parseDuration, parseRate, parseTokens } from '../core/quantities.js';
