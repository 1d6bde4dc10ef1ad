import { describeVideo, type Output } from '../../contract/output.ts';
import type { Clip } from '../../pipeline/generate-clip.ts';

/** The endpoint's output, with timings. */
export interface ClipReport extends Output {
  /** Seconds: the phases and `other` add up to `total`; `runtime` is the part of it inside the tensor runtime. */
  readonly timings: Readonly<Record<string, number>>;
  /** Bytes. */
  readonly peak_memory: number;
}

/** @param url where the clip is */
export function clipReport(clip: Clip, url: string): ClipReport {
  const { file, plan, report, seconds } = clip;
  return {
    video: { url, ...describeVideo(file) },
    seed: plan.seed,
    prompt: plan.prompt,
    timings: { ...report.phases, other: otherSeconds(clip), total: seconds, runtime: report.runtimeSeconds },
    peak_memory: report.peakMemory,
  };
}

/** The same for people. */
export function clipSummary(clip: Clip): string {
  const { file, plan, report, seconds } = clip;
  const fps = file.fps.den === 1 ? `${file.fps.num}` : `${file.fps.num}/${file.fps.den}`;
  const parts = Object.entries({ ...report.phases, other: otherSeconds(clip) });
  const phases = parts.map(([phase, time]) => `${phase} ${time.toFixed(1)} s`);
  return [
    file.path,
    `  ${file.width}×${file.height}, ${file.frames} frames at ${fps} fps, ${file.duration.toFixed(2)} s, ${(file.fileSize / 1e6).toFixed(2)} MB`,
    `  seed ${plan.seed}, made in ${seconds.toFixed(1)} s (${phases.join(', ')})`,
    '',
  ].join('\n');
}

/** What is no phase of the engine: processes start, media are decoded, a prompt is expanded, the last frames are encoded. */
function otherSeconds({ report, seconds }: Clip): number {
  const inPhases = Object.values(report.phases).reduce((sum, time) => sum + time, 0);
  return Math.max(0, seconds - inPhases);
}
