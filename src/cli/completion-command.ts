import { Argument, Command, type Option } from 'commander';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** What may follow a command. */
interface Completion {
  /** `models fetch`; empty for the program itself. */
  readonly command: string;
  readonly subcommands: readonly Described[];
  readonly options: readonly CompletedOption[];
  /** Values of its arguments, where they are known. */
  readonly values: readonly string[];
}

interface Described {
  readonly name: string;
  readonly description: string;
}

interface CompletedOption extends Described {
  readonly takesValue: boolean;
  /** Values it takes; empty: files. */
  readonly choices: readonly string[];
}

/**
 * `soundstage completion`: prints what has a shell complete commands, flags and their values.
 *
 * @param load the other commands
 */
export function completionCommand(
  load: () => Promise<readonly Command[]>,
  stdout: { write(text: string): unknown } = process.stdout,
): Command {
  const completion = new Command('completion')
    .description('print a script that has your shell complete commands and flags')
    .addArgument(new Argument('<shell>', 'your shell').choices(shells))
    .addHelpText(
      'after',
      `
  bash  source <(soundstage completion bash)
  zsh   source <(soundstage completion zsh)
  fish  soundstage completion fish | source`,
    )
    .action(async (shell: Shell) => {
      const commands = await load();
      const program = new Command('soundstage');
      for (const command of [...commands, completion]) program.addCommand(command);
      const completions = completionsOf(program, []);
      stdout.write(shell === 'fish' ? fish(completions) : bash(completions, shell));
    });
  return completion;
}

function completionsOf(command: Command, path: readonly string[]): readonly Completion[] {
  const inner = command.commands.flatMap((each) => completionsOf(each, [...path, each.name()]));
  return [
    {
      command: path.join(' '),
      subcommands: command.commands.map((each) => ({ name: each.name(), description: each.description() })),
      values: command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
      options: [
        ...command.options.map(completed),
        ...(path.length === 0 ? [{ ...flag('--version'), description: 'print the version' }] : []),
        { ...flag('--help'), description: 'print the help' },
      ],
    },
    ...inner,
  ];
}

function flag(name: string): Omit<CompletedOption, 'description'> {
  return { name, takesValue: false, choices: [] };
}

function completed({ long, flags, description, required, optional, argChoices }: Option): CompletedOption {
  const [sentence = ''] = description.split(/(?<=\.)\s|\n/);
  return { name: long ?? flags, description: sentence, takesValue: required || optional, choices: argChoices ?? [] };
}

/** One function for both: zsh runs bash's completions. */
function bash(completions: readonly Completion[], shell: Exclude<Shell, 'fish'>): string {
  const cases = completions.map(({ command, subcommands, options, values: own }) => {
    const words = [...own, ...[...subcommands, ...options].map(({ name }) => name)];
    return `    '${command}') words='${words.join(' ')}' ;;`;
  });
  const values = completions.flatMap(({ command, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(({ name, choices }) => `    '${command} ${name}') values='${choices.join(' ')}'; takes_value=1 ;;`),
  );
  const known = completions.map(({ command }) => `'${command}'`).join('|');
  return `${shell === 'zsh' ? 'autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n' : ''}_soundstage() {
  local word="\${COMP_WORDS[COMP_CWORD]}" last="\${COMP_WORDS[COMP_CWORD-1]}" command='' words='' values='' takes_value='' each
  for each in "\${COMP_WORDS[@]:1:$((COMP_CWORD - 1))}"; do
    case "\${command:+$command }$each" in
      ${known}) command="\${command:+$command }$each" ;;
    esac
  done
  case "$command" in
${cases.join('\n')}
  esac
  case "$command $last" in
${values.join('\n')}
  esac
  if [ -n "$values" ]; then COMPREPLY=($(compgen -W "$values" -- "$word"))
  elif [ -n "$takes_value" ]; then COMPREPLY=($(compgen -f -- "$word"))
  else COMPREPLY=($(compgen -W "$words" -- "$word")); fi
}
complete -o filenames -F _soundstage soundstage
`;
}

function fish(completions: readonly Completion[]): string {
  const lines = completions.flatMap(({ command, subcommands, options, values }) => {
    const names = command.split(' ').filter(Boolean);
    const inner = subcommands.map(({ name }) => name).join(' ');
    const conditions = [
      ...names.map((name) => `__fish_seen_subcommand_from ${name}`),
      ...(inner === '' ? [] : [`not __fish_seen_subcommand_from ${inner}`]),
    ];
    const when = `complete -c soundstage -n '${conditions.join('; and ')}'`;
    return [
      ...(values.length === 0 ? [] : [`${when} -f -a '${values.join(' ')}'`]),
      ...subcommands.map(({ name, description }) => `${when} -f -a ${name} -d ${quoted(description)}`),
      ...options.map(({ name, description, takesValue, choices }) => {
        const value = choices.length > 0 ? ` -x -a '${choices.join(' ')}'` : takesValue ? ' -r' : '';
        return `${when} -l ${name.replace(/^--/, '')}${value} -d ${quoted(description)}`;
      }),
    ];
  });
  return `${lines.join('\n')}\n`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
