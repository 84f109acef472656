/** The model that ships with the package: it continues a text by quoting it. docs/quote.md explains it. */
export { QUOTE_VERSION } from './layout.js';
export { writeQuoteCheckpoint } from './write.js';
