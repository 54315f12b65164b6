/** The screens that pages are looked at on. */
export const WIDE = { width: 1440, height: 1040 };
export const NARROW = { width: 380, height: 800 };
