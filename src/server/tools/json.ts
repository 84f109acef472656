/**
 * JSON that may be none; it lies in a folder of its own, since those beside this file need it too.
 */
export { isRecord, parsedJson } from './json/json.js';
