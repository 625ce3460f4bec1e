from .building import MAX_PX as MAX_PX
from .building import Candidate as Candidate
from .building import Layout as Layout
from .building import build_set as build_set
from .stored import COLUMNS as COLUMNS
from .stored import StimulusSet as StimulusSet
from .stored import read_set as read_set
