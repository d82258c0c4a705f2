/** What a shell needs to complete verbs and options, written from the table of verbs. Pure. */
import { COMMON_OPTIONS } from './arguments.js';
import { type Verb, VERBS } from './verbs.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export function completionsFor(shell: (typeof SHELLS)[number]): string {
  if (shell === 'fish') return fish();
  // zsh reads what bash does through its own adapter.
  return shell === 'zsh' ? `autoload -U +X bashcompinit && bashcompinit\n${bash()}` : bash();
}

const firstWords = (): string[] => [...new Set(VERBS.map(({ words }) => words[0] ?? ''))];
const nouns = (): string[] => [
  ...new Set(VERBS.filter(({ words }) => words.length === 2).map(({ words }) => words[0] ?? '')),
];
const optionsOf = (verb: Verb): string => [...verb.options, ...COMMON_OPTIONS].map(({ name }) => `--${name}`).join(' ');

function secondWords(noun: string): string[] {
  return VERBS.filter(({ words }) => words.length === 2 && words[0] === noun).map(({ words }) => words[1] ?? '');
}

function bash(): string {
  const seconds = nouns().map(
    (noun) => `    ${noun}) [ "$COMP_CWORD" = 2 ] && words='${secondWords(noun).join(' ')}' ;;`,
  );
  const options = VERBS.map((verb) => {
    const [first = '', second] = verb.words;
    return `      ${second === undefined ? `'${first} '*` : `'${first} ${second}'`}) words='${optionsOf(verb)}' ;;`;
  });
  return `# Completions of potluck for bash: source this, or put it where bash-completion looks.
_potluck() {
  local cur=\${COMP_WORDS[COMP_CWORD]} words=''
  case \${COMP_WORDS[1]} in
${seconds.join('\n')}
  esac
  [ "$COMP_CWORD" = 1 ] && words='${firstWords().join(' ')}'
  case $cur in -*)
    case "\${COMP_WORDS[1]} \${COMP_WORDS[2]}" in
${options.join('\n')}
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _potluck potluck
`;
}

function fish(): string {
  const lines = VERBS.flatMap((verb) => {
    const [first = '', second] = verb.words;
    const help = verb.help.replaceAll("'", '’');
    const word =
      second === undefined
        ? `complete -c potluck -n __fish_use_subcommand -a ${first} -d '${help}'`
        : `complete -c potluck -n '__fish_seen_subcommand_from ${first}' -a ${second} -d '${help}'`;
    const seen = verb.words.map((each) => `__fish_seen_subcommand_from ${each}`).join('; and ');
    const options = verb.options.map(({ name, value, help: what }) => {
      const takes = value === undefined ? '' : ' -r';
      return `complete -c potluck -n '${seen}' -l ${name}${takes} -d '${what.replaceAll("'", '’')}'`;
    });
    return [word, ...options];
  });
  const groups = nouns().map((noun) => `complete -c potluck -n __fish_use_subcommand -a ${noun}`);
  return `# Completions of potluck for fish.\n${[...groups, ...lines].join('\n')}\n`;
}
