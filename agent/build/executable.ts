import { execFile } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { NODE_FLAGS } from './flags.ts';

const run = promisify(execFile);

/**
 * Puts a bundle into a copy of a platform's `node`, whose options it then starts with.
 * @param input.bundle path of the module; the executable is written beside it
 * @param input.runtime the platform's `node`
 * @returns path of the executable
 */
export async function makeExecutable(input: {
  bundle: string;
  runtime: string;
  name: string;
}): Promise<string> {
  const directory = dirname(input.bundle);
  const config = join(directory, `${input.name}.json`);
  const settings = {
    // The path of `main` ends up inside of the executable: relative, so that it is the same wherever this runs.
    main: basename(input.bundle),
    mainFormat: 'module',
    executable: input.runtime,
    output: input.name,
    disableExperimentalSEAWarning: true,
    // Made by one machine for another: a cache of compiled code or a snapshot would not fit.
    useCodeCache: false,
    useSnapshot: false,
    execArgv: NODE_FLAGS,
    // Options of the caller's environment count, as they do for `node`.
    execArgvExtension: 'env',
  };
  await writeFile(config, JSON.stringify(settings));
  await run(process.execPath, ['--build-sea', basename(config)], { cwd: directory });
  const path = join(directory, input.name);
  await chmod(path, 0o755);
  return path;
}
