/**
 * npm run bench -- NAME [flags]; without a name, the list of benchmarks.
 */
import { BENCHMARKS } from './registry.js';
import { runProgram } from './runner/program.js';

// Children end themselves once this process is gone; what does not is ended by 'exit' handlers of those that started it.
process.once('SIGINT', () => process.exit(130));
process.exitCode = await runProgram(process.argv.slice(2), BENCHMARKS, {
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
});
