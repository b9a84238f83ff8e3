/** The command line that runs the user's kernel in a process of its own: this very program, the same way it was started. */
export function serverCommand(): string[] {
  return [process.execPath, ...process.execArgv, process.argv[1] ?? '', 'kernel', 'start', '--foreground'];
}
