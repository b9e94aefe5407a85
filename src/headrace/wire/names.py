"""Two-word names for runs that were given none."""

from headrace.wire.chance import CHANCE

_ADJECTIVES = (
    "able agile airy amber ample apt autumn bold brave breezy bright brisk calm candid careful cedar cheery clear clever "
    "coastal cobalt cool copper coral crisp curious dapper daring deft devoted dusky eager early earnest easy elegant even "
    "fair fearless fern fine fleet fluent fond frank free fresh gentle glad golden grand green hardy hazel honest humble "
    "indigo ivory jolly jovial keen kind lively loyal lucid lunar maple mellow merry mighty mild mossy nimble noble olive "
    "patient placid plucky polite proud quick quiet rapid ready russet rustic sage sandy serene sharp silver sincere "
    "smooth snowy solar solid spry steady sterling stoic sunny supple sure swift tawny tender tidal tidy true upbeat "
    "valiant velvet vivid warm wary wise witty woven zesty"
).split()
_ANIMALS = (
    "adder albatross alpaca anchovy antelope avocet axolotl badger barbel bat beaver bee beetle bison bittern bobcat bream "
    "buffalo bunting buzzard caribou carp cat chamois cheetah chough civet cobra cod condor coot cormorant cougar crab "
    "crane cricket crow cuckoo curlew deer dingo dipper dolphin dormouse dove dragonfly duck dunlin eagle eel egret eider "
    "elk ermine falcon fallow ferret finch firefly flamingo fox frog gannet gazelle gecko gibbon goose goshawk grebe "
    "grouse gull hare harrier hawk hedgehog heron hornet ibex ibis jackdaw jaguar jay kestrel kingfisher kite koala lark "
    "lemur lion lizard lobster lynx magpie mallard marlin marmot marten merlin mink minnow mole moose moth mule newt "
    "nuthatch ocelot octopus oriole osprey otter owl ox panther partridge pelican penguin perch pika pike pipit plover "
    "polecat pony puffin puma quail rabbit raven robin rook salmon seal shrew shrike skua skylark snipe sparrow squirrel "
    "starling stoat stork swallow swan swift tapir teal tern thrush tiger toad trout turtle viper vole walrus warbler "
    "weasel whale wigeon wolf wombat wren yak zebra"
).split()


def random_name() -> str:
    """A name such as `brisk-otter`; not unique, only easy to say."""
    return f"{CHANCE.choice(_ADJECTIVES)}-{CHANCE.choice(_ANIMALS)}"
