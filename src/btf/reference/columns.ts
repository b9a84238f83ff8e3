/**
 * The columns of packed BTF, in the order in which they are stored. BTF is a list of records; stored field by field,
 * with references as small numbers, it deflates to 60 % of what it does as it stands.
 *
 * Numbers are varints: seven bits a byte, low ones first. Signed numbers are zigzag: 0, -1, 1, -2 … as 0, 1, 2, 3 ….
 */
export const COLUMNS = [
  /** A byte a type: kind, and kind_flag in the top bit. */
  'kinds',
  /** Members, values, parameters; the linkage of a function. */
  'counts',
  /** Names: 0 for a new one, else the string's number + 1. Strings are numbered as they appear; number 0 is ''. */
  'typeNames',
  'memberNames',
  'valueNames',
  'parameterNames',
  /** Texts of new names, each ended by a zero, but those of functions. */
  'strings',
  /** New names of functions, which the kernel sorts: bytes shared with the one before, and the rest, ended by a zero. */
  'functionHeads',
  'functionTails',
  /** Sizes of integers, structures, unions, enumerations, floats, sections. */
  'sizes',
  /** Own id - id of what a pointer, typedef, qualifier, tag or variable refers to. */
  'references',
  /** Element type as in `references`, index type, count. */
  'arrays',
  /** Own id - type of the member; offset - offset of the member before it. */
  'memberTypes',
  'memberOffsets',
  /** Value - value before it - 1. */
  'values',
  /** Types that functions take and answer, most frequent first: how many, then each id - the one before it. */
  'ranks',
  /** What a prototype answers and takes, as places in `ranks`. */
  'prototypes',
  /** Id of a function's prototype - the highest such id before it. */
  'functions',
  /** Words as they stand: encodings of integers, 64-bit values, linkage of variables, contents of sections, components of tags. */
  'words',
] as const;

export type ColumnName = (typeof COLUMNS)[number];

/** u32s before the columns, see unpack.ts; a u32 for the size of each column follows them. */
export const HEADER_WORDS = 4;
