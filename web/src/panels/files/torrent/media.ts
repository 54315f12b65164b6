/** What a browser can show of a file. */
export type Media = 'video' | 'audio' | 'image';

/* What Chromium, Firefox and Safari play between them; a file that one of them cannot play says so when it is tried.
   No SVG: it is a document that may carry script, and the node does not serve it as an image. */
const kinds: Record<Media, readonly string[]> = {
  video: ['mp4', 'm4v', 'webm', 'mkv', 'mov', 'ogv'],
  audio: ['mp3', 'm4a', 'aac', 'ogg', 'oga', 'opus', 'flac', 'wav', 'weba'],
  image: ['png', 'jpg', 'jpeg', 'gif', 'webp', 'avif', 'bmp'],
};

/** What kind of media a file is, by its name; `null` for everything else. */
export function mediaOf(path: string): Media | null {
  const extension = path.slice(path.lastIndexOf('.') + 1).toLowerCase();
  for (const kind of ['video', 'audio', 'image'] as const) if (kinds[kind].includes(extension)) return kind;
  return null;
}
