// The HorizontalPodAutoscaler of Kubernetes itself as an oracle: it is given courses of ticks and answers what the real
// controller decides at each. The file is laid over the published module when the program is compiled (Binaries.ts), so
// that it reaches what the package does not export, and nothing of Kubernetes is copied or changed. Time is the bubble's
// of testing/synctest: a course of days takes milliseconds, and window edges are met to the millisecond.
package podautoscaler

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	autoscalingclient "k8s.io/client-go/kubernetes/typed/autoscaling/v2"
	corelisters "k8s.io/client-go/listers/core/v1"
	scaleclient "k8s.io/client-go/scale"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	metricsclient "k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
	"k8s.io/kubernetes/pkg/controller/podautoscaler/monitor"
	"k8s.io/kubernetes/pkg/controller/util/selectors"
	"k8s.io/kubernetes/pkg/features"
)

// Set by the linker.
var kubernetesVersion = "unknown"

var (
	printVersion = flag.Bool("version", false, "print the version and end")
	coursesPath  = flag.String("courses", "", "file with one course per line, as JSON")
	answersPath  = flag.String("answers", "", "file to write one answer per line to")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *printVersion {
		fmt.Println("HorizontalPodAutoscaler of Kubernetes " + kubernetesVersion)
		return
	}
	os.Exit(m.Run())
}

type policyGiven struct {
	Type   string
	Value  int32
	Period int64 // milliseconds, as all times here
}

type rulesGiven struct {
	Window   int64
	Select   string
	Policies []policyGiven
}

type specGiven struct {
	Min           int32
	Max           int32
	ToleranceUp   string // quantities
	ToleranceDown string
	Behavior      *struct{ Up, Down rulesGiven }
	LegacyWindow  int64
}

type podGiven struct {
	Name       string
	Phase      string
	Deleting   bool
	Ready      *string
	Transition int64
	Start      *int64
	Request    *int64
	Usage      *int64
	Stamp      int64
	Window     int64
}

// A total of an external metric, or samples of single pods.
type metricGiven struct {
	Type   string
	Kind   string
	CPU    bool
	Target int64
	Failed bool
	Milli  int64
	Pods   []podGiven
}

type tickGiven struct {
	Now     int64
	Spec    int32
	Status  int32
	Ready   int32
	Metrics []metricGiven
	// How long the API server takes to answer a write.
	WriteMillis int64
	// What somebody else sets while the controller is about to write.
	OvertakenBy *int32
	// The controller is a new process from here on.
	Restarted bool
	// The object as edited right before this tick.
	Edited *specGiven
}

type courseGiven struct {
	Seed        int
	Spec        specGiven
	ScaleToZero bool
	// Another object's selector matches the same pods.
	Ambiguous bool
	Ticks     []tickGiven
}

type tickAnswered struct {
	Desired int32  `json:"desired"`
	Able    string `json:"able"`
	Active  string `json:"active"`
	// The reason, where the condition is true.
	Limited string `json:"limited"`
}

type courseAnswered struct {
	Seed  int            `json:"seed"`
	Ticks []tickAnswered `json:"ticks"`
}

// Everything that the controller reaches: the target's scale, its own object, and metrics, as the tick says they are.
type world struct {
	tick      *tickGiven
	overtaken bool
	written   *int32
	status    *autoscalingv2.HorizontalPodAutoscalerStatus
}

type scales struct {
	*world
	scaleclient.ScaleInterface
}

func (w scales) Scales(string) scaleclient.ScaleInterface { return w }

func (w scales) Get(context.Context, schema.GroupResource, string, metav1.GetOptions) (*autoscalingv1.Scale, error) {
	replicas := w.tick.Spec
	if w.overtaken {
		replicas = *w.tick.OvertakenBy
	}
	return &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{Name: "target", Namespace: "space"},
		Spec:       autoscalingv1.ScaleSpec{Replicas: replicas},
		Status:     autoscalingv1.ScaleStatus{Replicas: w.tick.Status, Selector: "app=target"},
	}, nil
}

func (w scales) Update(_ context.Context, _ schema.GroupResource, scale *autoscalingv1.Scale, _ metav1.UpdateOptions) (*autoscalingv1.Scale, error) {
	time.Sleep(millis(w.tick.WriteMillis))
	if w.tick.OvertakenBy != nil && !w.overtaken {
		w.overtaken = true
		return nil, apierrors.NewConflict(schema.GroupResource{Group: "apps", Resource: "deployments"}, "target", errUnreachable)
	}
	replicas := scale.Spec.Replicas
	w.written = &replicas
	return scale, nil
}

type objects struct {
	*world
	autoscalingclient.HorizontalPodAutoscalerInterface
}

func (w objects) HorizontalPodAutoscalers(string) autoscalingclient.HorizontalPodAutoscalerInterface {
	return w
}

func (w objects) UpdateStatus(_ context.Context, object *autoscalingv2.HorizontalPodAutoscaler, _ metav1.UpdateOptions) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	w.status = object.Status.DeepCopy()
	return object, nil
}

type kinds struct{ apimeta.RESTMapper }

func (kinds) RESTMappings(kind schema.GroupKind, _ ...string) ([]*apimeta.RESTMapping, error) {
	resource := schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	return []*apimeta.RESTMapping{{Resource: resource, GroupVersionKind: kind.WithVersion("v1")}}, nil
}

type numbers struct{ *world }

var errUnreachable = errors.New("the test wants this to fail")

func (n numbers) GetResourceMetric(_ context.Context, name v1.ResourceName, _ string, _ labels.Selector, _ string) (metricsclient.PodMetricsInfo, time.Time, error) {
	for _, metric := range n.tick.Metrics {
		if metric.Type != "Pods" || resourceOf(metric) != name {
			continue
		}
		info := metricsclient.PodMetricsInfo{}
		for _, pod := range metric.Pods {
			if pod.Usage != nil {
				info[pod.Name] = metricsclient.PodMetric{
					Timestamp: time.UnixMilli(pod.Stamp),
					Window:    millis(pod.Window),
					Value:     *pod.Usage,
				}
			}
		}
		// The client of the metrics API takes an empty list for a failure.
		if metric.Failed || len(info) == 0 {
			return nil, time.Time{}, errUnreachable
		}
		return info, time.Now(), nil
	}
	return nil, time.Time{}, errUnreachable
}

func (n numbers) GetRawMetric(string, string, labels.Selector, labels.Selector) (metricsclient.PodMetricsInfo, time.Time, error) {
	return nil, time.Time{}, errUnreachable
}

func (n numbers) GetObjectMetric(string, string, *autoscalingv2.CrossVersionObjectReference, labels.Selector) (int64, time.Time, error) {
	return 0, time.Time{}, errUnreachable
}

func (n numbers) GetExternalMetric(name, _ string, _ labels.Selector) ([]int64, time.Time, error) {
	index, err := strconv.Atoi(strings.TrimPrefix(name, "metric-"))
	if err != nil || n.tick.Metrics[index].Failed {
		return nil, time.Time{}, errUnreachable
	}
	return []int64{n.tick.Metrics[index].Milli}, time.Now(), nil
}

func millis(count int64) time.Duration { return time.Duration(count) * time.Millisecond }

func resourceOf(metric metricGiven) v1.ResourceName {
	if metric.CPU {
		return v1.ResourceCPU
	}
	return v1.ResourceMemory
}

func scalingRules(given rulesGiven, tolerance resource.Quantity) *autoscalingv2.HPAScalingRules {
	window := int32(given.Window / 1000)
	choice := autoscalingv2.ScalingPolicySelect(given.Select)
	rules := &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: &window, SelectPolicy: &choice, Tolerance: &tolerance}
	for _, policy := range given.Policies {
		rules.Policies = append(rules.Policies, autoscalingv2.HPAScalingPolicy{
			Type:          autoscalingv2.HPAScalingPolicyType(policy.Type),
			Value:         policy.Value,
			PeriodSeconds: int32(policy.Period / 1000),
		})
	}
	return rules
}

func metricSpec(metric metricGiven, index int) autoscalingv2.MetricSpec {
	quantity := resource.NewMilliQuantity(metric.Target, resource.DecimalSI)
	target := autoscalingv2.MetricTarget{Type: autoscalingv2.MetricTargetType(metric.Type)}
	if metric.Type != "Pods" {
		if metric.Type == "Value" {
			target.Value = quantity
		} else {
			target.AverageValue = quantity
		}
		identifier := autoscalingv2.MetricIdentifier{Name: fmt.Sprintf("metric-%d", index)}
		source := &autoscalingv2.ExternalMetricSource{Metric: identifier, Target: target}
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ExternalMetricSourceType, External: source}
	}
	if metric.Kind == "Utilization" {
		percent := int32(metric.Target)
		target = autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent}
	} else {
		target = autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: quantity}
	}
	source := &autoscalingv2.ResourceMetricSource{Name: resourceOf(metric), Target: target}
	return autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: source}
}

func podObject(given podGiven) *v1.Pod {
	pod := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: given.Name, Namespace: "space", Labels: map[string]string{"app": "target"}},
		Status:     v1.PodStatus{Phase: v1.PodPhase(given.Phase)},
	}
	if given.Deleting {
		now := metav1.Now()
		pod.DeletionTimestamp = &now
	}
	if given.Ready != nil {
		pod.Status.Conditions = []v1.PodCondition{{
			Type:               v1.PodReady,
			Status:             v1.ConditionStatus(*given.Ready),
			LastTransitionTime: metav1.NewTime(time.UnixMilli(given.Transition)),
		}}
	}
	if given.Start != nil {
		start := metav1.NewTime(time.UnixMilli(*given.Start))
		pod.Status.StartTime = &start
	}
	container := v1.Container{Name: "app"}
	if given.Request != nil {
		request := *resource.NewMilliQuantity(*given.Request, resource.DecimalSI)
		container.Resources.Requests = v1.ResourceList{v1.ResourceCPU: request, v1.ResourceMemory: request}
	}
	pod.Spec.Containers = []v1.Container{container}
	return pod
}

// A course that asks for more has gone astray, and would take the machine's memory with it.
const replicasMax = 100_000

// Of several metrics over pods all see the same pods; without any, there are as many as the tick says.
func podObjects(tick *tickGiven) []any {
	pods := []any{}
	for _, metric := range tick.Metrics {
		if metric.Type != "Pods" {
			continue
		}
		for _, pod := range metric.Pods {
			pods = append(pods, podObject(pod))
		}
		return pods
	}
	for index := range tick.Status {
		ready := string(v1.ConditionTrue)
		if index >= tick.Ready {
			ready = string(v1.ConditionFalse)
		}
		pods = append(pods, podObject(podGiven{Name: fmt.Sprintf("pod-%d", index), Phase: "Running", Ready: &ready}))
	}
	return pods
}

func reasonOf(status autoscalingv2.HorizontalPodAutoscalerStatus, kind autoscalingv2.HorizontalPodAutoscalerConditionType, onlyTrue bool) string {
	for _, condition := range status.Conditions {
		if condition.Type == kind && (!onlyTrue || condition.Status == v1.ConditionTrue) {
			return condition.Reason
		}
	}
	return ""
}

func answer(course courseGiven) (courseAnswered, error) {
	w := &world{}
	key := selectors.Key{Name: "object", Namespace: "space"}
	pods := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	lister := corelisters.NewPodLister(pods)
	controller := &HorizontalController{
		scaleNamespacer: scales{world: w},
		hpaNamespacer:   objects{world: w},
		mapper:          kinds{},
		eventRecorder:   &record.FakeRecorder{},
		// The defaults of kube-controller-manager.
		replicaCalc:  NewReplicaCalculator(numbers{w}, lister, 5*time.Minute, 30*time.Second),
		monitor:      monitor.New(),
		podLister:    lister,
		hpaSelectors: selectors.NewBiMultimap(),
	}
	start := func() {
		controller.recommendations = map[string][]timestampedRecommendation{}
		controller.scaleUpEvents = map[string][]timestampedScaleEvent{}
		controller.scaleDownEvents = map[string][]timestampedScaleEvent{}
	}
	start()
	controller.hpaSelectors.PutSelector(key, labels.Nothing())
	if course.Ambiguous {
		other := selectors.Key{Name: "other", Namespace: key.Namespace}
		controller.hpaSelectors.PutSelector(other, labels.SelectorFromSet(labels.Set{"app": "target"}))
	}
	object := &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: key.Name, Namespace: key.Namespace},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "target"},
		},
	}
	edit := func(spec specGiven) error {
		up, err := resource.ParseQuantity(spec.ToleranceUp)
		if err != nil {
			return err
		}
		down, err := resource.ParseQuantity(spec.ToleranceDown)
		if err != nil {
			return err
		}
		object.Spec.MinReplicas = &spec.Min
		object.Spec.MaxReplicas = spec.Max
		object.Spec.Behavior = nil
		if spec.Behavior != nil {
			object.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{
				ScaleUp:   scalingRules(spec.Behavior.Up, up),
				ScaleDown: scalingRules(spec.Behavior.Down, down),
			}
		}
		// Of an object without behavior both are flags of the controller.
		controller.tolerance = up.AsApproximateFloat64()
		controller.downscaleStabilisationWindow = millis(spec.LegacyWindow)
		return nil
	}
	gate := fmt.Sprintf("%s=%t", features.HPAScaleToZero, course.ScaleToZero)
	if err := utilfeature.DefaultMutableFeatureGate.Set(gate); err != nil {
		return courseAnswered{}, err
	}
	if err := edit(course.Spec); err != nil {
		return courseAnswered{}, err
	}
	quiet := klog.NewContext(context.Background(), klog.Logger{})
	answered := courseAnswered{Seed: course.Seed, Ticks: []tickAnswered{}}
	for index := range course.Ticks {
		tick := &course.Ticks[index]
		if tick.Restarted {
			start()
		}
		if tick.Edited != nil {
			if err := edit(*tick.Edited); err != nil {
				return courseAnswered{}, err
			}
		}
		if tick.Status > replicasMax {
			return courseAnswered{}, fmt.Errorf("tick %d has %d replicas, more than %d", index, tick.Status, replicasMax)
		}
		pause := time.Until(time.UnixMilli(tick.Now))
		if pause < 0 {
			return courseAnswered{}, fmt.Errorf("tick %d is before the one before it", index)
		}
		time.Sleep(pause)
		*w = world{tick: tick}
		// What this tick says, and nothing that an earlier one has left; but of this one the controller reads what it said.
		object.Status.Conditions = slices.DeleteFunc(object.Status.Conditions, func(each autoscalingv2.HorizontalPodAutoscalerCondition) bool {
			return each.Type != autoscalingv2.ScaledToZero
		})
		object.Spec.Metrics = nil
		for number, metric := range tick.Metrics {
			object.Spec.Metrics = append(object.Spec.Metrics, metricSpec(metric, number))
		}
		if err := pods.Replace(podObjects(tick), ""); err != nil {
			return courseAnswered{}, err
		}
		err := controller.reconcileAutoscaler(quiet, object, "space/object")
		if err != nil && !strings.Contains(err.Error(), "metrics") {
			return courseAnswered{}, fmt.Errorf("tick %d: %w", index, err)
		}
		if w.status != nil {
			object.Status = *w.status
		}
		desired := tick.Spec
		if w.written != nil {
			desired = *w.written
		}
		answered.Ticks = append(answered.Ticks, tickAnswered{
			Desired: desired,
			Able:    reasonOf(object.Status, autoscalingv2.AbleToScale, false),
			Active:  reasonOf(object.Status, autoscalingv2.ScalingActive, false),
			Limited: reasonOf(object.Status, autoscalingv2.ScalingLimited, true),
		})
	}
	return answered, nil
}

func TestCourses(t *testing.T) {
	courses, err := os.Open(*coursesPath)
	if err != nil {
		t.Fatal(err)
	}
	defer courses.Close()
	answers, err := os.Create(*answersPath)
	if err != nil {
		t.Fatal(err)
	}
	defer answers.Close()
	lines := bufio.NewScanner(courses)
	lines.Buffer(nil, 1<<28)
	encoder := json.NewEncoder(answers)
	for lines.Scan() && !t.Failed() {
		var course courseGiven
		if err := json.Unmarshal(lines.Bytes(), &course); err != nil {
			t.Fatal(err)
		}
		var answered courseAnswered
		var failure error
		synctest.Test(t, func(*testing.T) {
			answered, failure = answer(course)
		})
		if failure != nil {
			t.Fatalf("course %d: %v", course.Seed, failure)
		}
		if err := encoder.Encode(answered); err != nil {
			t.Fatal(err)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}
