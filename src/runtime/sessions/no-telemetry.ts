/**
 * The kernel runtime's Linux builds report every session (names and hashes of graphs) to their maker and leave files
 * in the temporary folder, unless this is set before the library is loaded. Import it before anything that loads it,
 * on the process's first thread: another thread's `process.env` is a copy that the library does not see.
 */
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
