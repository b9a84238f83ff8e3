/** The command line that runs the user's kernel in a process of its own: this very program, the same way it was started. */
export function serverCommand(): string[] {
  return [process.execPath, ...nodeOptions(), process.argv[1] ?? '', 'kernel', 'start', '--foreground'];
}

/** Node's own options. What they load by name is named by place: the kernel runs in another folder. */
function nodeOptions(): string[] {
  return process.execArgv.map((option, i) => {
    const loads = process.execArgv[i - 1] === '--import';
    return loads && /^[@\w]/.test(option) && !option.includes(':') ? import.meta.resolve(option) : option;
  });
}
