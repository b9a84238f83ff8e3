/**
 * Which names the kernel takes. Names here hold one byte a character: the kernel's ctype knows Latin-1, so letters with
 * accents are letters.
 */

/** KSYM_NAME_LEN: longest name. */
const MAX_NAME = 512;

/** A C identifier; dots are welcome, because compilers put them into names of copies of functions. */
export function isIdentifier(name: string): boolean {
  return (
    name.length <= MAX_NAME && /^[A-Za-z_.\xc0-\xd6\xd8-\xf6\xf8-\xff][\w.\xc0-\xd6\xd8-\xf6\xf8-\xff]*$/.test(name)
  );
}

/** Printable characters: data sections may be called what they like. */
export function isPrintableName(name: string): boolean {
  return name.length <= MAX_NAME && /^[\x20-\x7e\xa0-\xff]+$/.test(name);
}

/** What stands for a name that is in the strings and has no characters; a missing one is ''. */
export const EMPTY_NAME = '\0';

/** What stands for a name outside of the strings: the kernel's words. */
export const INVALID_NAME = '(invalid-name-offset)';

/** A name as the log shows it. */
export function shown(name: string): string {
  return name === '' ? '(anon)' : name === EMPTY_NAME ? '' : name;
}
