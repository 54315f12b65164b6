export { bytes, bytesParts, rate } from './bytes';
export { shortKey } from './keys';
export { number } from './language';
export { count, percent, ratio } from './numbers';
export { ago, duration, millis, moment, timeOfDay } from './time';
