import { resumeFilm } from '../run/begin.ts';
import { isUnderWay, run } from '../run/run-state.ts';

/** Goes on with a film that is not whole: what was made of it is kept. */
export function ResumeButton({ film }: { readonly film: string }) {
  return (
    <button type="button" class="primary" disabled={isUnderWay(run.value)} onClick={() => void resumeFilm(film)}>
      Go on with it
    </button>
  );
}
