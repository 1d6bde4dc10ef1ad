import { type Problem, problem } from '../../contract/errors/problem.ts';

/** A request body that could not be taken, and the reply to it. */
export class RefusedBody extends Error {
  override readonly name = 'RefusedBody';
  readonly status: 400 | 413 | 415 | 422 | 429;
  readonly body: { readonly detail: string; readonly error_type: string } | { readonly detail: readonly Problem[] };

  private constructor(status: RefusedBody['status'], body: RefusedBody['body'], cause?: unknown) {
    const { detail } = body;
    super(typeof detail === 'string' ? detail : detail.map(({ loc, msg }) => `${loc.join('.')}: ${msg}`).join('; '), {
      cause,
    });
    this.status = status;
    this.body = body;
  }

  static tooLarge(limit: number): RefusedBody {
    const detail = `The request body is larger than the ${limit} bytes this server takes as JSON; upload large files instead and give their URL`;
    return new RefusedBody(413, { detail, error_type: 'bad_request' });
  }

  /** @param detail says what to do */
  static tooMuchText(detail: string): RefusedBody {
    return new RefusedBody(413, { detail, error_type: 'bad_request' });
  }

  static tooManyAtOnce(): RefusedBody {
    const detail =
      'Too many large request bodies arrive at the same time; try again, or upload files and give their URL';
    return new RefusedBody(429, { detail, error_type: 'concurrent_requests_limit' });
  }

  static tooSlow(): RefusedBody {
    return new RefusedBody(400, { detail: 'The request body did not arrive in time', error_type: 'bad_request' });
  }

  static unreadable(cause: unknown): RefusedBody {
    const detail = 'The request body broke off, or is not what its Content-Encoding says';
    return new RefusedBody(400, { detail, error_type: 'bad_request' }, cause);
  }

  static unknownEncoding(): RefusedBody {
    const detail = 'Content-Encoding must be gzip, deflate, br or absent';
    return new RefusedBody(415, { detail, error_type: 'bad_request' });
  }

  /** In the shape of the platform's validation errors. */
  static notJson(reason: string, position: number): RefusedBody {
    const entry = problem([position], { type: 'json_invalid', msg: 'JSON decode error', ctx: { error: reason } });
    return new RefusedBody(422, { detail: [entry] });
  }

  /** Fields that do not follow a schema. */
  static invalid(
    problems: readonly { readonly path: readonly (string | number)[]; readonly message: string }[],
  ): RefusedBody {
    const detail = problems.map(({ path, message }) => problem(path, { type: 'value_error', msg: message }));
    return new RefusedBody(422, { detail });
  }
}
