/** Why an input could not be received. `position`: where its JSON is wrong; undefined where it is too large. */
export class UnreadableInput extends Error {
  override readonly name = 'UnreadableInput';
  readonly position: number | undefined;

  private constructor(message: string, position: number | undefined, cause?: unknown) {
    super(message, { cause });
    this.position = position;
  }

  static notJson(reason = 'the body is not valid JSON', position: number, cause?: unknown): UnreadableInput {
    return new UnreadableInput(reason, position, cause);
  }

  static notUtf8(cause: unknown): UnreadableInput {
    return new UnreadableInput('the body is not valid UTF-8', 0, cause);
  }

  static tooLarge(limit: number): UnreadableInput {
    const message =
      `The body has more than ${limit} bytes besides its data URIs: write data:TYPE;base64, in front of content in base64, ` +
      'or upload large files and give their URL';
    return new UnreadableInput(message, undefined);
  }
}
