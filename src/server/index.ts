/** An OpenAI-compatible server around an engine. */
export { LOG_LEVELS, type LogLevel, openLog } from './http/log.js';
export { KvrServer } from './server.js';
export * from './requests/settings.js';
