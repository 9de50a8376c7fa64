"""Names of the classes of data sets that have many, in the order of their labels."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _names(text: str) -> tuple[str, ...]:
    return tuple(" ".join(name.split()) for name in text.split(";"))


# Liu, Shahroudy, Perez, Wang, Duan, Kot: NTU RGB+D 120 (TPAMI 2020), A1 to A120; the first 60
# are those of Shahroudy, Liu, Ng, Wang: NTU RGB+D (CVPR 2016).
NTU120 = _names(
    """drink water; eat meal; brush teeth; brush hair; drop; pick up; throw; sit down; stand up;
    clap; read; write; tear up paper; put on jacket; take off jacket; put on a shoe;
    take off a shoe; put on glasses; take off glasses; put on a hat; take off a hat; cheer up;
    hand waving; kick something; reach into pocket; hop; jump up; phone call; play with phone;
    type on a keyboard; point to something; take a selfie; check time; rub two hands; nod or bow;
    shake head; wipe face; salute; put palms together; cross hands in front; sneeze or cough;
    stagger; fall down; headache; chest pain; back pain; neck pain; nausea or vomiting;
    fan oneself; punch or slap somebody; kick somebody; push somebody; pat somebody's back;
    point at somebody; hug; give something to somebody; touch somebody's pocket; shake hands;
    walk towards each other; walk apart; put on headphones; take off headphones;
    shoot at the basket; bounce a ball; swing a tennis bat; juggle table tennis balls; hush;
    flick hair; thumb up; thumb down; ok sign; victory sign; staple a book; count money;
    cut nails; cut paper; snap fingers; open a bottle; sniff; squat down; toss a coin; fold paper;
    ball up paper; play with a magic cube; cream on face; cream on hand; put on a bag;
    take off a bag; put something into a bag; take something out of a bag; open a box;
    move heavy objects; shake fist; throw up a hat; both hands up; cross arms; arm circles;
    arm swings; run on the spot; butt kicks; cross toe touch; side kick; yawn; stretch; blow nose;
    hit somebody with something; wield a knife at somebody; knock over somebody;
    grab somebody's things; shoot at somebody; step on somebody's foot; high five;
    cheers and drink; carry something together; take a photo of somebody; follow somebody;
    whisper in somebody's ear; exchange things; support somebody; rock paper scissors"""
)

# Soomro, Zamir, Shah: UCF101 (CRCV-TR-12-01, 2012), in the order of classInd.txt.
UCF101 = _words(
    """ApplyEyeMakeup ApplyLipstick Archery BabyCrawling BalanceBeam BandMarching BaseballPitch
    Basketball BasketballDunk BenchPress Biking Billiards BlowDryHair BlowingCandles
    BodyWeightSquats Bowling BoxingPunchingBag BoxingSpeedBag BreastStroke BrushingTeeth
    CleanAndJerk CliffDiving CricketBowling CricketShot CuttingInKitchen Diving Drumming Fencing
    FieldHockeyPenalty FloorGymnastics FrisbeeCatch FrontCrawl GolfSwing Haircut Hammering
    HammerThrow HandstandPushups HandstandWalking HeadMassage HighJump HorseRace HorseRiding
    HulaHoop IceDancing JavelinThrow JugglingBalls JumpingJack JumpRope Kayaking Knitting LongJump
    Lunges MilitaryParade Mixing MoppingFloor Nunchucks ParallelBars PizzaTossing PlayingCello
    PlayingDaf PlayingDhol PlayingFlute PlayingGuitar PlayingPiano PlayingSitar PlayingTabla
    PlayingViolin PoleVault PommelHorse PullUps Punch PushUps Rafting RockClimbingIndoor
    RopeClimbing Rowing SalsaSpin ShavingBeard Shotput SkateBoarding Skiing Skijet SkyDiving
    SoccerJuggling SoccerPenalty StillRings SumoWrestling Surfing Swing TableTennisShot TaiChi
    TennisSwing ThrowDiscus TrampolineJumping Typing UnevenBars VolleyballSpiking WalkingWithDog
    WallPushups WritingOnBoard YoYo"""
)

# Chen, Jafari, Kehtarnavaz: UTD-MHAD (ICIP 2015), a1 to a27.
UTD_MHAD = _names(
    """right arm swipe to the left; right arm swipe to the right; right hand wave;
    two hand front clap; right arm throw; cross arms in the chest; basketball shoot;
    right hand draw x; right hand draw circle clockwise;
    right hand draw circle counter-clockwise; draw triangle; bowling; front boxing;
    baseball swing from right; tennis forehand swing; arm curl; tennis serve; two hand push;
    knock on door; catch an object; pick up and throw; jog in place; walk in place; sit to stand;
    stand to sit; forward lunge; squat"""
)

# Amir et al.: A low power, fully event-based gesture recognition system (CVPR 2017), 1 to 11.
DVS128_GESTURE = _names(
    """hand clapping; right hand wave; left hand wave; right arm clockwise;
    right arm counter-clockwise; left arm clockwise; left arm counter-clockwise; arm roll;
    air drums; air guitar; other gestures"""
)
