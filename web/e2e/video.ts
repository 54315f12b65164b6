import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Makes a video with sound whose bytes are spread evenly over its time: `seconds` long, about `megabytes` big. */
export async function makeVideo(file: string, seconds: number, megabytes: number): Promise<void> {
  const kilobits = Math.floor((megabytes * 8000) / seconds);
  const rate = `${String(kilobits)}k`;
  // Noise cannot be compressed away: the rate is kept, and the encoder need not try hard.
  const args = ['-hide_banner', '-loglevel', 'error', '-y', '-f', 'lavfi'];
  args.push('-i', `testsrc2=size=640x360:rate=24:duration=${String(seconds)},noise=alls=60:allf=t`);
  args.push('-f', 'lavfi', '-i', `sine=frequency=440:duration=${String(seconds)}`);
  args.push('-c:v', 'libx264', '-preset', 'ultrafast', '-g', '24', '-pix_fmt', 'yuv420p');
  args.push('-b:v', rate, '-minrate', rate, '-maxrate', rate, '-bufsize', rate, '-c:a', 'aac', '-shortest');
  args.push('-movflags', '+faststart', file);
  await promisify(execFile)('ffmpeg', args);
}
