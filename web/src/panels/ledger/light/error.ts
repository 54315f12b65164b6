/** What may not hold. Each has its sentence. */
export type Flaw =
  | 'no-ed25519'
  | 'header-unreadable'
  | 'header-hash'
  | 'header-field'
  | 'certificate-unreadable'
  | 'certificate-height'
  | 'certificate-block'
  | 'genesis'
  | 'parent'
  | 'stranger'
  | 'signature'
  | 'power'
  | 'set-unreadable'
  | 'set-wrong'
  | 'set-unknown'
  | 'set-unproven'
  | 'older';

/** What could not be said rather than what is wrong: nobody lied, so far as this browser can tell. */
export const UNDECIDED: readonly Flaw[] = ['no-ed25519', 'set-unknown', 'set-unproven', 'older'];

/** Why a block is not shown to be decided. */
export class LightError extends Error {
  constructor(
    readonly flaw: Flaw,
    readonly values: Readonly<Record<string, string>> = {},
  ) {
    super(flaw);
    this.name = 'LightError';
  }
}
