/**
 * The words that the prompt rules are made of, in the spelling of `promptSpellings` (lower case, no accents). Words that
 * are innocent in most prompts stand with the company that makes them explicit.
 */

/** Nobody who is only called so: a baby has an article or the like before it. */
const infant =
  '(?:(?:an?|the|this|one|her|his|my|our|their|newborn|sleeping|tiny) baby(?: (?:boy|girl))?|babies|newborns?|infants?|toddlers?|(?<=^ ?)baby(?: (?:boy|girl))?(?!,))';

/** What an infant does, and where, between being named and being called topless. */
const infantDoing =
  '(?:is|are|was|were|lies|lying|sits|sitting|sleeps|sleeping|asleep|naps|napping|rests|resting|crawls|crawling|' +
  'plays|playing|laughs|laughing|giggles|giggling|smiles|smiling|runs|running|splashes|splashing|dozes|dozing|' +
  'peacefully|soundly|happily|quietly|still|in|on|under|through|a|an|the|its|crib|cot|cradle|bed|blanket|bath|tub|' +
  'bathtub|pool|sun|garden|grass|beach|sand|sprinkler|heat|stroller)';

const animal =
  '(?:birds?|owls?|penguins?|robins?|sparrows?|mouse|mice|rats?|rabbits?|bunn(?:y|ies)|squirrels?|hedgehogs?|bats?|bears?|' +
  'pandas?|elephants?|hippos?|rhinos?|seals?|turtles?|dragons?|dinosaurs?|goats?|sheep|monkeys?|apes?|gorillas?|' +
  'chimps?|kangaroos?|kittens?|puppy|puppies|animals?)';

const licking = '(?:dogs?|pupp(?:y|ies)|cats?|kittens?|cows?|cal(?:f|ves)|goats?|lambs?|horses?|pon(?:y|ies)|foals?)';

/** Where explicit words mean something else. They are taken out of a prompt before hints and acts are looked for. */
export const innocentPhrases: readonly string[] = [
  'naked (?:eyes?|mole[ -]rats?|truth|flames?|lights?|bulbs?|ambition|gun)',
  'naked (?:trees?|branch(?:es)?|twigs?|sky|rocks?|cliffs?|walls?|hills?|earth|wires?|blades?|nestlings?|kittens?|slugs?)',
  `${animal},? (?:(?:is|are|still|born|almost) ){0,3}naked(?= ?(?:$|[.,;:!?]| (?:in|on|under) ))`,
  'naked dolls?(?! (?:girl|boy|child|kid|teen))',
  'statues? of (?:(?:a|the) )?(?:naked|nude) (?:m[ae]n|wom[ae]n|gods?|goddess(?:es)?|figures?)',
  'nude (?:colou?rs?|shades?|tones?|lipsticks?|nail polish)',
  '(?:nude (?:statues?|sculptures?|paintings?)|marble nudes?)(?! (?:of|girl|boy|child|kid|teen))',
  'sex(?:ual)? (?:education|health|ed|educators?)',
  'sexual (?:harassment|abuse|assault|orientation|consent) (?:laws?|survivors?|prevention|awareness|training)',
  '(?:opposite|same|fairer)[ -]sex',
  'sex (?:of|appeal)',
  "(?:baby|fetus)['\u2019]s sex(?= ?(?:$|[.,;:!?]| (?:is|was|before|after) ))",
  'food porn',
  'survivors? of (?:child(?:hood)? )?sexual (?:harassment|abuse|assault)',
  'orgy of (?:colou?rs?|flavou?rs?|sounds?|lights?)',
  'porn ?star martinis?',
  'lingerie (?:stores?|shops?|departments?)',
  'topless (?:cars?|towers?|trees?|convertibles?|jeeps?|(?:(?:red|old|tour|double[ -]decker) )?bus(?:es)?)',
  // Alone, of an infant, it only says that the day is warm.
  "topless (?:bab(?:y|ies)|newborns?|infants?|toddlers?)(?! (?:girl|boy|doll|mama|daddy|sitter)|['\u2019])",
  `${infant},? (?:${infantDoing} ){0,6}(?:and )?topless(?= ?(?:$|[.,;!?]| (?:in|on|through|under|at) (?:a|an|the|its) (?!\\p{L}+['\u2019])))`,
  '(?:wears?|wearing) nothing but (?:an? |its |his |her |their )?(?:\\p{L}+ )?(?:diapers?|napp(?:y|ies))',
  'underwear (?:(?:dries|drying|hangs|hanging|flaps|flapping) (?:on|from) (?:a|the) )?(?:clothes ?lines?|washing lines?|drawers?|shel(?:f|ves)|laundry)',
  'undress(?:es|ing)? (?:(?:her|his|the|a|their) )?(?:\\p{L}+ )?dolls?(?! up)',
  'no clothes on (?:the|a) (?:clothes ?line|washing line|line|rack|hangers?|shel(?:f|ves))',
  'without clothes[ -](?:pegs?|pins?|hangers?)',
  'see-through (?:umbrellas?|raincoats?|curtains?|glass|tents?|lids?|boxes|box|bags?|doors?|windows?|roofs?|walls?|jellyfish)',
  'bottomless (?:pits?|wells?|ocean|sea|lakes?|abyss|holes?|caves?|chasms?|cups?|bags?|buckets?|brunch|appetite|curiosity|energy)',
  'moan(?:s|ing) (?:about|over) (?:\\p{L}+ ){0,3}(?:homework|chores?|school|weather|dinner|vegetables|bedtime|rain|exams?|tests?)',
  '(?:wind|door|ship|ghost|zombie|engine|cello)s? moan(?:s|ing)',
  `${licking} (?:\\p{L}+ )?lick(?:s|ing) (?:her|him|each other)`,
  'aroused from (?:\\p{L}+ )?(?:sleep|slumber|naps?|dreams?)',
  'uncensored (?:songs?|albums?|news|history|letters?|interviews?)',
  '(?:paint|varnish|wallpaper|wire|cable|wood|furniture) strip(?:pers?|ping)',
  'the emperor (?:is|was|walks|stands|has|wears) (?:naked|nude|no clothes(?: on)?|nothing)',
  'barely dressed for (?:the )?(?:cold|winter|snow|weather)',
  'aroused (?:(?:his|her|their|the) )?(?:curiosity|suspicions?|interest|attention)',
  'touch(?:es|ing) (?:her|him)self on the (?:forehead|nose|cheek|chin|head|shoulder|knee)',
  '(?:sensual|seductive) (?:tangos?|melod(?:y|ies)|music|jazz|saxophones?|cellos?|violins?|scents?|smells?)',
  'fetish (?:masks?|figures?|statues?|objects?)',
  'erotic novels?',
  '(?:gives|giving) head (?:pats?|scratches|rubs?|massages?)',
  'ma(?:ke|kes|king|de) love (?:songs?|letters?|poems?|hearts?|heart shapes?|potions?)',
  'make love,? not war',
  'pussy ?(?:willows?|cats?|foot)',
];

/** Where words for whoever is under age mean something else. */
export const notMinors: readonly string[] = [
  'in [a-g](?: flat| sharp)? minor(?= ?(?:$|[.,;:!?]| (?:is|on|for|by|with|played|plays|sung) ))',
  'minor (?:chords?|keys?|scales?|thirds?|leagues?|injur(?:y|ies)|roles?|details?|repairs?|planets?|damage|accidents?)',
  `(?:a|the) baby ${animal}`,
];

/** Whoever is, or may be, under age. */
export const minors: readonly string[] = [
  ...['child', 'children', 'kids?', 'toddlers?', 'infants?', 'babies', '(?:a|the|newborn|topless) baby', 'pre-?teens?'],
  ...[
    'tweens?',
    'under ?-?aged?',
    'minors?',
    'school ?(?:girl|boy)s?',
    'loli(?:ta)?s?',
    'shota',
    'teen(?:ager|age|aged)?s?',
  ],
  '(?:little|young|small|tiny) (?:girl|boy)s?',
  '(?:1[0-7]|[1-9])[ -]?(?:year|yr)s?[ -]?olds?',
  '(?:1[0-7]|[1-9]) ?y/?o',
  '(?:girls?|boys?) of (?:1[0-7]|[1-9])(?![\\d.:]| ?(?:minutes?|seconds?|hours?|days?))',
  'aged? (?:1[0-7]|[1-9])(?![\\d.:]| ?(?:minutes?|seconds?|hours?|days?))',
  '(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen)[ -]years?[ -]olds?',
  ...[
    '(?:ein|das|dem|einem|kleine[sn]?|nackte[sn]?) kind(?:er[n]?)?',
    'madchen',
    'enfants?',
    'fillettes?',
    'ninas?',
    'ninos?',
    'bambin[aoei]',
    'criancas?',
  ],
  ...['ребенок', 'дети', 'девочк\\p{L}*', 'мальчик\\p{L}*'],
];

/** Enough together with a minor, or two of them together; alone they may be in an ordinary prompt. */
export const suggestive: readonly string[] = [
  ...['nude', 'nudes', 'naked', 'nudity', 'topless', 'bottomless', 'unclothed', 'undress(?:es|ed|ing)?', 'disrobes?'],
  ...[
    'without (?:any )?clothe?s(?: on)?',
    'no clothes on',
    'wears? nothing',
    'lingerie',
    'underwear',
    'pant(?:ies|yhose)',
  ],
  ...['take[sn]? off (?:all )?(?:of )?(?:her|his|their) clothes', 'touch(?:es|ing) (?:her|him)self'],
  ...[
    'erotic(?:a|ally|ism)?',
    'sex',
    'sexy',
    'sexual(?:ly|ity)?',
    'sexuali[sz](?:e|es|ed|ing|ation)',
    'seducti(?:ve|vely|on)',
  ],
  ...['sensual(?:ly)?', 'lewd', 'lascivious(?:ly)?', 'aroused', 'arousal', 'kinky', 'fetish\\p{L}*', 'uncensored'],
  ...[
    'ma(?:ke|kes|king|de) love',
    'provocative(?:ly)? pos(?:e|es|ing)',
    'barely (?:clothed|dressed)',
    'strip(?:s|ping)? (?:naked|nude|for)',
    'stripping(?= ?(?:$|[.,;:!?]| (?:in|on|at) (?:bed|front|stage|camera|(?:a|the) (?:bed|bedroom|club))))',
  ],
  ...[
    'intercourse',
    'moan(?:s|ing)',
    'lick(?:s|ing) (?:her|him|each other)',
    'see-through',
    'thongs?',
    'vibrators?',
    'strippers?',
  ],
  ...['(?:bare|naked|uncovered|exposed) (?:\\p{L}+ )?(?:breasts?|bottoms?|buttocks|genitals?)'],
  ...['nackt(?:e[rnms]?)?', 'nues?', 'desnud[ao]s?', 'nud[aie]', 'nu[as]', 'гол(?:ая|ый|ые|ой|ую)', 'обнаженн\\p{L}*'],
];

const people =
  '(?:wom[ae]n|m[ae]n|girls?|boys?|lad(?:y|ies)|guys?|males?|females?|couples?|people|persons?|models?|actress(?:es)?|' +
  'actors?|bod(?:y|ies)|blondes?|brunettes?|redheads?|dancers?|slaves?|wi(?:fe|ves)|husbands?|teens?|child(?:ren)?|kids?|celebrit(?:y|ies))';

const bare = '(?:nude|naked|topless|unclothed)';

const bodyParts = '(?:breasts?|boobs|boobies|tits|nipples?|ass|butts?|buttocks|genitals?)';

/** Sexual content that needs no company. */
export const sexual: readonly string[] = [
  ...['porn(?:o|os|ographic|ography|star|stars)?', 'hentai', 'ahegao', 'lolicon', 'shotacon', 'nsfw', 'bdsm'],
  ...[
    '(?<=^ ?)xxx(?= ?$)',
    'xxx[ -](?:rated|film|movie|video|scene|content|clip)s?',
    'hard ?core xxx',
    'x-rated',
    'adult (?:film|movie|video|porn)s?',
    'pron(?:o|ography)',
  ],
  ...[
    'blow ?jobs?',
    'hand ?jobs?',
    'cum ?shots?',
    'creampies?',
    'gang ?bang\\p{L}*',
    'deepthroat\\p{L}*',
    'orgy',
    'orgies',
  ],
  ...[
    'fellatio',
    'cunnilingus',
    'masturbat\\p{L}*',
    'jerk(?:s|ing) (?:off|himself)',
    'orgasm\\p{L}*',
    'ejaculat\\p{L}*',
    'threesomes?',
  ],
  ...['fornicat\\p{L}*', 'bukkake', 'futanari', 'upskirts?', 'nudists?', 'nudity', 'topless', '(?:giving|gives) head'],
  ...[
    '(?:no|without (?:a |any )?) ?(?:bra|panties)',
    '(?:removes?|takes? off) (?:her|his) (?:bra|thong|panties|underwear)',
  ],
  ...[
    '(?:visible nipples|nipples visible)',
    'pleasur(?:es|ing) (?:her|him)self',
    '(?:his|with an|has an|gets an|en) erection',
  ],
  ...['incest\\p{L}*', 'bestiality', 'zoophilia', 'necrophilia', 'strip ?teases?', 'dildos?', 'cunts?'],
  '(?:have|has|having|had|having had) (?:\\p{L}+ )?sex',
  '(?:oral|anal|group|rough|hardcore|explicit|graphic|lesbian|gay|passionate) sex',
  'sex (?:scenes?|tapes?|acts?|videos?|toys?|dolls?|slaves?|positions?|part(?:y|ies))',
  'sexual (?:acts?|intercourse|poses?|positions?|activity|content|scenes?|encounters?)',
  '(?:explicit|anal|vaginal) intercourse',
  'explicit (?:nudity|adult|erotic\\p{L}*|sexual\\p{L}*)',
  'erotic (?:scenes?|videos?|films?|clips?|massages?|poses?|photos?|content|dances?)',
  ...['vagina\\p{L}*', 'vulvas?', 'penis(?:es)?', 'clitoris', 'genitals', 'genitalia', 'scrotum'],
  `(?:bare|naked|exposed|uncovered|big|huge|bouncing) (?:\\p{L}+ )?${bodyParts}`,
  '(?:breasts|boobs|tits) (?:bouncing|bounce|exposed|uncovered|out)',
  '(?:wet|shaved|tight) pussy',
  '(?:his|hard|erect|huge|thick|suck(?:s|ing)?) (?:\\p{L}+ )?(?:cock|dick)(?! (?:van|tracy|crow))',
  'fuck(?:s|ing|ed) (?:her|him|each other|them)',
  `${bare} (?:\\p{L}+ ){0,2}${people}`,
  `${bare} (?:yoga|danc\\p{L}+|photo ?shoots?|scenes?|selfies?|pos(?:e|es|ing)|sunbath\\p{L}+|swimming|bathing|massages?)`,
  "(?:everyone|everybody|he|she|they)(?: is| are|\u2019s|\u2019re|'s|'re)? (?:\\p{L}+ )?(?:nude|naked)",
  `${people} (?:is |are |gets? |lies |lying |poses? |posing |stands? |standing |walks? |fully |completely |totally ){1,2}${bare}`,
  `(?:fully|completely|totally|stark|buck) (?:nude|naked)`,
  `${bare} (?:on|in|at) (?:the |a |her |his |their )?(?:bed|bedroom|bath|shower|beach|pool|sofa|couch)`,
  'full(?:-| )frontal(?: nudity)?',
  ...[
    'nackte[rn]? (?:frau|mann|madchen|junge)\\p{L}*',
    'femmes? nues?',
    'hommes? nus?',
    'filles? nues?',
    'mujer(?:es)? desnudas?',
  ],
  ...[
    'hombres? desnudos?',
    'donn[ae] nud[ae]',
    'mulher(?:es)? nuas?',
    'desnudos? integral(?:es)?',
    'порн\\p{L}*',
    '(?:женщина|девушка|мужчина) гол(?:ая|ый)',
  ],
  '(?:гол(?:ая|ый|ые|ых)|обнаженн(?:ая|ый|ые|ых)) (?:женщин|девушк|мужчин)\\p{L}*',
];

/** As `sexual`, in scripts that write no spaces between words. */
export const sexualWithoutSpaces: readonly string[] = [
  ...['裸の', '全裸', 'ヌード', 'ポルノ', 'エロ動画', 'セックス', '児童ポルノ'],
  ...['裸体', '裸女', '色情', '性交', '做爱', '淫', '포르노', '누드', '알몸', '섹스'],
];

/** Sexual violence. */
export const sexualViolence: readonly string[] = [
  ...[
    'rape scenes?',
    'rap(?:es|ing) (?:a|an|the|her|him|his|them)',
    '(?:is|are|being|gets?) raped',
    'gang ?rap(?:e|ed|es|ing)',
  ],
];

/** Enough for gore when two of them come together. */
export const bloody: readonly string[] = [
  ...[
    'gore(?!-tex)',
    'gory',
    'torn apart',
    'blood everywhere',
    'organs',
    'guts',
    'entrails',
    'intestines',
    'saws? off',
  ],
  ...['mutilat\\p{L}*', 'decapitat\\p{L}*', 'behead\\p{L}*', 'living victim\\p{L}*', 'limbs'],
];

/** Violence shown for its own sake. */
export const gore: readonly string[] = [
  ...['snuff (?:films?|videos?|movies?)', '(?:graphic|extreme|realistic|explicit|hardcore) gore', 'torture porn'],
  ...[
    'dismember(?:s|ed|ing|ment)?',
    'disembowel\\p{L}*',
    'eviscerat\\p{L}*',
    '(?:intestines|guts|entrails) spill\\p{L}*',
  ],
  ...['mutilat(?:ed|es|ing) (?:\\p{L}+ )?(?:bod(?:y|ies)|corpses?|victims?|people|child(?:ren)?)', 'severed heads?'],
  '(?:graphic|realistic|real|brutal) (?:\\p{L}+ )?(?:beheadings?|decapitations?|executions?)',
  'behead(?:s|ing|ed) (?:of )?(?:a|the|an|his|her) (?:man|woman|person|prisoner|hostage|child|victim)',
];
